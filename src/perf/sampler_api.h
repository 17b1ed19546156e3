// SPDX-License-Identifier: MIT
#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include <tl/expected.hpp>

#include "base/fd.h"
#include "perf/api.h"

// The system calls behind a sampling profile, so that a test can answer in the kernel's place.

namespace netio::perf {

// The buffer that the kernel writes samples into: its control page (perf_event_mmap_page) and the data behind it.
struct Mapping {
    std::shared_ptr<void> base;  // unmaps with the last owner
    std::size_t bytes = 0;       // of all pages
};

// Every call gives the errno it failed with.
class SamplerApi {
 public:
    virtual ~SamplerApi() = default;
    // perf_event_open(2) for all tasks on one CPU.
    virtual tl::expected<Fd, int> open_on_cpu(const perf_event_attr& attr, std::uint32_t cpu) = 0;
    // mmap(2), shared and writable: the kernel reads how far the reader has come. `bytes` is one page and a power of
    // two of pages.
    virtual tl::expected<Mapping, int> map(const Fd& event, std::size_t bytes) = 0;
    // PERF_EVENT_IOC_ENABLE or _DISABLE of one event; 0 or an errno.
    virtual int turn(const Fd& event, Switch to) = 0;
    virtual tl::expected<Sample, int> read(const Fd& event) = 0;
};

// The running kernel.
SamplerApi& kernel_sampler_api();

}  // namespace netio::perf
