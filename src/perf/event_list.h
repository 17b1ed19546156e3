// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "perf/plan.h"

// Events that a user asks for by name, in the forms that perf-list(1) prints:
//
//     branch-misses, minor-faults, dTLB-load-misses    the kernel's own
//     cpu/event=0x3c,umask=0x1/, cpu/cpu-cycles/       a PMU's, by its terms or by the names that it has itself
//     cpu-cycles                                       the same of every core PMU that has it
//     r003c                                            a number of the core PMUs' own, in hex
//     sched:sched_switch                               a tracepoint

namespace netio::perf {

// Where names are looked up.
struct EventSources {
    std::vector<Pmu> pmus;
    Naming naming = Naming::extended;  // see takes_extended_types
    std::filesystem::path tracefs;     // the folder it is mounted on; empty: nowhere
};

// One event. Errors: ExitCode::usage for what is no event, with what there is; ExitCode::privilege for a PMU, or for
// tracepoints, that this machine does not have. An event of the kernel's own that no PMU here has is no error: it is
// planned, and its count will be missing with the reason.
Result<PlannedEvent> parse_event(std::string_view text, const EventSources& sources);

// The same for a list; commas between slashes part terms. `plan` has what is counted anyway: what it has, or what was
// named before, is not planned again.
Result<std::vector<PlannedEvent>> parse_events(std::string_view list, const EventSources& sources,
                                               std::span<const PlannedEvent> plan);

// What can be asked for here, in paragraphs of one line each: "hardware: cycles, ...".
std::vector<std::string> known_events(const EventSources& sources);

}  // namespace netio::perf
