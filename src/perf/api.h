// SPDX-License-Identifier: MIT
#pragma once

#include <linux/perf_event.h>

#include <cstdint>

#include <tl/expected.hpp>

#include "base/fd.h"

// The system calls behind a counter, so that a test can answer in the kernel's place.

namespace netio::perf {

// What read(2) of a perf event gives with both PERF_FORMAT_TOTAL_TIME_* bits.
struct Sample {
    std::uint64_t count = 0;
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
};

// What an event is opened for: a thread by its id in the pid namespace of this process, or all tasks on a processor.
struct Target {
    static constexpr std::int32_t any = -1;
    std::int32_t thread_id = any;  // 0: the calling thread
    std::int32_t cpu = any;
    bool operator==(const Target&) const = default;
};
inline constexpr Target calling_thread{0, Target::any};

enum class Switch : std::uint8_t { on, off };

// Every call gives the errno it failed with.
class Api {
 public:
    virtual ~Api() = default;
    // perf_event_open(2); `group` is the leader's descriptor or -1. EINTR means that signals kept coming.
    virtual tl::expected<Fd, int> open(const perf_event_attr& attr, const Target& target, int group) = 0;
    // PERF_EVENT_IOC_ENABLE or _DISABLE for a group leader and its whole group; 0 or an errno.
    virtual int turn(const Fd& leader, Switch to) = 0;
    // ENODATA when the kernel returns less than a sample, as it does for an event in error state.
    virtual tl::expected<Sample, int> read(const Fd& event) = 0;
};

// The running kernel.
Api& kernel_api();

}  // namespace netio::perf
