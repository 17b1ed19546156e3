// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/figure.h"
#include "model/vocabulary.h"

// What a sampling profile of the measured phase found: where the processors were, interrupted again and again.

namespace netio::model {

// Whose task was interrupted. Softirqs run in whatever task they meet: network code in `elsewhere` is often the run's.
enum class Runner : std::uint8_t { server, client, elsewhere };
inline constexpr std::array<Name<Runner>, 3> runner_names{{
    {Runner::server, "server"},
    {Runner::client, "client"},
    {Runner::elsewhere, "elsewhere"},  // ksoftirqd, the idle task, other programs
}};
constexpr std::string_view to_string(Runner v) {
    return name_in(runner_names, v);
}

// Samples that hit the same place: one row per task and call stack.
struct ProfileStack {
    Runner runner = Runner::elsewhere;
    std::string task;   // name of the process: "netio-server", "ksoftirqd/0"
    bool user = false;  // the program itself was running: no frames are kept of it
    std::uint64_t samples = 0;
    std::uint64_t weight = 0;         // sum of their periods, in the unit of the profile
    std::vector<std::string> frames;  // kernel functions, innermost first, suffixes stripped; "[unknown]": no symbol
    bool operator==(const ProfileStack&) const = default;
};

// The profile of every processor in the measured phase. `stacks` holds all samples of server and client, and of other
// tasks those in kernel network code; what was left out is counted.
struct ProfileFacts {
    std::string event;              // perf's own name: "cycles" or "cpu-clock"
    std::string unit;               // of weights: "cycles" or "ns"
    std::string not_cycles;         // why hardware cycles were not sampled; empty: they were
    std::uint64_t rate_hz = 0;      // samples asked for on each processor
    std::uint32_t cpus = 0;         // processors sampled
    std::uint64_t samples = 0;      // read, of all tasks
    std::uint64_t left_out = 0;     // of these, not in `stacks`: idle, programs that have no part in the run
    std::uint64_t lost = 0;         // dropped by the kernel, the buffer being full (PERF_RECORD_LOST)
    std::uint64_t throttled = 0;    // times the kernel stopped sampling for the rest of a tick (PERF_RECORD_THROTTLE)
    std::uint64_t weight = 0;       // sum of all periods, those left out included
    Figure<std::uint64_t> counted;  // what the events themselves counted meanwhile; `weight` should come near
    std::uint64_t enabled_ns = 0;   // of all processors
    std::uint64_t running_ns = 0;   // less than enabled: the counter shared its hardware
    std::vector<ProfileStack> stacks;
    bool operator==(const ProfileFacts&) const = default;
};

// As a frame: an address that no symbol names.
inline constexpr std::string_view unknown_frame = "[unknown]";

// A sum of samples and what they stand for.
struct SampleSum {
    std::uint64_t samples = 0;
    std::uint64_t weight = 0;
    SampleSum& operator+=(const SampleSum& other) {
        samples += other.samples;
        weight += other.weight;
        return *this;
    }
    bool operator==(const SampleSum&) const = default;
};

// One class of docs/stages.json, or "program" or "other".
struct StageCost {
    std::string id;
    std::string name;
    SampleSum server, client, elsewhere;
    // Per payload byte, in the unit of the profile.
    Figure<double> server_per_byte, client_per_byte, elsewhere_per_byte;
    Figure<double> per_byte;             // sum of the three
    double share = 0;                    // of all samples kept
    double margin = 0;                   // of the share, either way: chance alone, in 95 of 100 runs
    std::vector<std::string> functions;  // that put samples into the class, the most frequent first; a few of them
    bool operator==(const StageCost&) const = default;
};

// The profile, folded by class.
struct Profile {
    std::string event;
    std::string unit;
    std::string not_cycles;
    std::uint64_t rate_hz = 0;
    std::uint32_t cpus = 0;
    std::uint64_t samples = 0;  // in the classes below, their sum
    std::uint64_t left_out = 0;
    std::uint64_t lost = 0;
    std::uint64_t throttled = 0;
    double running_share = 1;       // below 1: the weights are scaled
    Figure<double> covered_share;   // of what the event counted, what samples stand for
    Figure<double> named_share;     // of the kernel samples of server and client, those in a class with a name
    std::vector<StageCost> stages;  // in the order of the table, "program" first and "other" last
    StageCost total;
    bool operator==(const Profile&) const = default;
};

}  // namespace netio::model
