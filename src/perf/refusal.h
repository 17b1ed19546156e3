// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/figure.h"
#include "perf/events.h"

// Why a counter could not be had, in words that say what to do.

namespace netio::perf {

// What the machine says of its own performance counters.
struct Host {
    std::vector<std::string> pmus;  // core PMUs below /sys/bus/event_source/devices: "cpu", "cpu_atom", "armv8_pmuv3_0"
    model::Figure<std::int64_t> paranoid;  // kernel.perf_event_paranoid
    bool seccomp_filter = false;           // system calls of this process are judged by one
};

// Reads below `root`, which is "/" but in tests. Never fails: what cannot be read is missing with its reason.
Host host_facts(const std::filesystem::path& root = "/");

// The errno of perf_event_open(2) for `event`, as a reason with advice where there is any.
std::string refusal(int error_number, const Event& event, const Host& host);

}  // namespace netio::perf
