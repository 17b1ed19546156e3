// SPDX-License-Identifier: MIT
#pragma once

#include <linux/perf_event.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "model/vocabulary.h"
#include "perf/pmu.h"

// What is counted, under perf's own names (perf-list(1)).

namespace netio::perf {

// Which half of the processor's time an event is counted in.
enum class Space : std::uint8_t { user, kernel, all };
inline constexpr std::array<model::Name<Space>, 3> space_names{{
    {Space::user, "user"},
    {Space::kernel, "kernel"},
    {Space::all, "all"},
}};
constexpr std::string_view to_string(Space v) {
    return model::name_in(space_names, v);
}

// Events of one group are scheduled on the PMU together, so that their ratio is one of the same moments.
enum class Group : std::uint8_t { none, instructions, cache };

struct Event {
    std::string_view name;
    std::uint32_t type;  // PERF_TYPE_*
    std::uint64_t config;
    Group group;
};

// A PERF_TYPE_HW_CACHE config: cache | operation << 8 | result << 16 (perf_event_open(2)).
constexpr std::uint64_t cache_load_misses(std::uint64_t cache) {
    return cache | (std::uint64_t{PERF_COUNT_HW_CACHE_OP_READ} << 8) |
           (std::uint64_t{PERF_COUNT_HW_CACHE_RESULT_MISS} << 16);
}

// Counted twice per thread, once in user and once in kernel space.
inline constexpr std::array<Event, 6> hardware_events{{
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, Group::instructions},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, Group::instructions},
    {"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, Group::cache},
    {"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, Group::cache},
    {"L1-dcache-load-misses", PERF_TYPE_HW_CACHE, cache_load_misses(PERF_COUNT_HW_CACHE_L1D), Group::none},
    {"LLC-load-misses", PERF_TYPE_HW_CACHE, cache_load_misses(PERF_COUNT_HW_CACHE_LL), Group::none},
}};

// Counted once: the kernel raises them in its own code, so an exclusion of either space would make them 0.
inline constexpr std::array<Event, 4> software_events{{
    {"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, Group::none},
    {"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, Group::none},
    {"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, Group::none},
    {"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, Group::none},
}};

// Whose work is counted: that of given threads, and of those they start later, or that of all tasks on a processor.
enum class Scope : std::uint8_t { threads, machine };

// The attributes that open an event in `space`, with both times read. Leaders are opened disabled; members of a group
// are not, for they run with their leader only, so that one call turns the whole group on in the same moment.
//
// Every event is read by itself, without PERF_FORMAT_GROUP. perf_event_open(2) says that inherit excludes that format,
// which was so before Linux 4.13 (ba5213ae6b88, "perf/core: Correct event creation with PERF_FORMAT_GROUP"); what
// perf_event_alloc() refuses since is PERF_SAMPLE_READ with inherit. But a group's read has the times of its leader
// alone, and its one merit, values of one moment, is worth nothing after the group was turned off, which is when they
// are read.
perf_event_attr attributes(const Encoding& encoding, Space space, Scope scope, bool leads);

}  // namespace netio::perf
