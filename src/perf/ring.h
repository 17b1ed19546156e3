// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "perf/sampler_api.h"

namespace netio::perf {

// The reading end of a perf buffer (perf_event_open(2), "MMAP layout"). One reader only.
class Ring {
 public:
    using Record = std::span<const std::byte>;  // its perf_event_header included

    explicit Ring(Mapping mapping) : mapping_(std::move(mapping)) {}

    // Gives every record that has come since the last call, and its room back to the kernel. False: the buffer holds
    // what is no record (a length that cannot be), and what was left in it was thrown away.
    bool drain(const std::function<void(Record)>& take);

 private:
    Record record_at(std::uint64_t position, std::size_t size, std::span<const std::byte> data);

    Mapping mapping_;
    std::vector<std::byte> joined_;  // a record that runs over the buffer's end and on from its beginning
};

}  // namespace netio::perf
