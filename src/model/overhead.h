// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/figure.h"

// What the probes themselves cost, by the kernel's run statistics of BPF programs (kernel.bpf_stats_enabled).

namespace netio::model {

// One BPF program in the measured phase.
struct ProgramRuns {
    std::string program;
    std::uint64_t runs = 0;
    std::uint64_t ns = 0;       // in the program; the way in and out of it, and the reading of two clocks, is not in it
    std::uint64_t skipped = 0;  // runs that the kernel left out, the program being on that CPU already (Linux 5.12)
    bool operator==(const ProgramRuns&) const = default;
};

struct Overhead {
    std::uint64_t runs = 0;
    std::uint64_t ns = 0;
    std::uint64_t skipped = 0;
    Figure<double> runs_per_send, ns_per_send, ns_per_byte;
    Figure<double> share;               // of the CPU time that server and client took (task-clock), which it is in
    std::vector<ProgramRuns> programs;  // those that ran, the most expensive first
    bool operator==(const Overhead&) const = default;
};

}  // namespace netio::model
