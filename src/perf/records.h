// SPDX-License-Identifier: MIT
#pragma once

#include <linux/perf_event.h>

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "perf/ring.h"

// The records of a perf buffer that a profile is made of (perf_event_open(2), "MMAP layout").

namespace netio::perf {

// What the records of profile_attributes() hold, and what decode_record() expects.
inline constexpr std::uint64_t profile_sample_type =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN;

struct StackSample {
    std::int32_t pid = 0;  // thread group, in the pid namespace of who opened the event; 0: idle; -1: it has ended
    bool kernel = false;   // interrupted in kernel mode
    std::uint64_t period = 0;
    std::vector<std::uint64_t> chain;  // kernel addresses, innermost first; all but the first are return addresses
};
struct LostRecords {
    std::uint64_t count = 0;
};
struct Throttled {};
using ProfileRecord = std::variant<StackSample, LostRecords, Throttled>;

// None: a record of another type, or one that is shorter than its type.
std::optional<ProfileRecord> decode_record(Ring::Record record);

}  // namespace netio::perf
