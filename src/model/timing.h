// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/figure.h"
#include "model/vocabulary.h"

// How long the stages of the data path took, measured by probes on the entry and the exit of a kernel function of each.
// Stages lie inside of each other; each is charged with what was not spent further in, so that they add up.

namespace netio::model {

// All passages of one end's threads through a stage.
struct TimedPassages {
    Role role = Role::server;
    std::uint64_t calls = 0;
    std::uint64_t ns = 0;
    std::uint64_t cycles = 0;        // in kernel space; 0 where they are not counted
    std::uint64_t instructions = 0;  // likewise
    bool operator==(const TimedPassages&) const = default;
};

struct TimedStage {
    std::string id;                      // "late-copy"
    std::string name;                    // "late copy"
    std::vector<std::string> functions;  // whose entry and exit are probed; empty: tracepoints tell, or nothing
    std::string unseen;                  // why nothing tells of it on this kernel; empty: something does
    bool waiting = false;                // the thread did not run: no cost
    std::vector<TimedPassages> passages;
    bool operator==(const TimedStage&) const = default;
};

// One passage, for a timeline.
struct Passage {
    std::uint32_t thread = 0;  // as the kernel numbers it
    Role role = Role::server;
    std::uint32_t stage = 0;     // index of TimingFacts::stages
    std::uint64_t begin_ns = 0;  // CLOCK_MONOTONIC
    std::uint64_t duration_ns = 0;
    bool operator==(const Passage&) const = default;
};

struct Timeline {
    std::vector<std::string> stages;  // their names
    std::int64_t server_pid = 0;
    std::int64_t client_pid = 0;
    std::vector<Passage> passages;
    std::uint64_t lost = 0;
};

struct TimingFacts {
    std::string not_counted;  // why there are no cycles and instructions; empty: there are
    std::vector<TimedStage> stages;
    std::uint64_t missed = 0;  // passages of which only one end was seen
    bool operator==(const TimingFacts&) const = default;
};

// One stage, per payload byte.
struct StageTime {
    std::string id;
    std::string name;
    std::vector<std::string> functions;
    bool waiting = false;
    Figure<std::uint64_t> calls;
    Figure<double> ns_per_byte, server_ns_per_byte, client_ns_per_byte;
    Figure<double> cycles_per_byte, instructions_per_byte;
    double share = 0;  // of the time of all stages but waiting
    bool operator==(const StageTime&) const = default;
};

struct Timing {
    std::vector<StageTime> stages;
    StageTime total;  // of all but waiting: what server and client spent in system calls
    // Of the cycles that the counters of the two ends saw in kernel space, how many the stages hold. The rest is page
    // faults and interrupts outside of system calls, and the probes' own entry and exit.
    Figure<double> covered_share;
    std::string not_counted;
    std::uint64_t missed = 0;
    bool operator==(const Timing&) const = default;
};

}  // namespace netio::model
