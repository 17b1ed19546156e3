// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "model/report.h"
#include "report/page.h"
#include "report/terminal.h"

// The parts of the terminal report, one file each. Each prints its part and nothing where there is nothing to say.

namespace netio::report {

// Tool, mode, size, connections, path and time; kernel and tier at the right.
void put_title(Page& page, const model::Report& report);
// What a reader must know before believing a figure: the run was cut short, events were lost, ...
void put_warnings(Page& page, const model::Report& report);
// "Where every byte went": the accounts, what is unexplained, and the copies per payload byte; with a profile, what the
// work of an account cost.
void put_ledger(Page& page, const model::Ledger& ledger, const std::optional<model::Profile>& profile);
// Why bytes were copied, and what to try against it.
void put_causes(Page& page, const std::vector<model::Finding>& findings);
// Where in the kernel: the innermost frames of each finding.
void put_stacks(Page& page, const std::vector<model::Finding>& findings);
// The three witnesses and whether they agree.
void put_witnesses(Page& page, const model::Witnesses& witnesses);
// Throughput and latencies.
void put_speed(Page& page, const model::Report& report);
// Counters of the server's and the client's threads.
void put_counters(Page& page, const std::vector<model::CounterRow>& counters);
// What the whole machine did meanwhile.
void put_machine(Page& page, const model::Report& report, Depth depth);
// Where the time, or the cycles, of each payload byte went, by class of kernel work; only of runs with a profile.
void put_profile(Page& page, const std::optional<model::Profile>& profile);
// What each stage of the data path cost; only of runs that were timed.
void put_timing(Page& page, const std::optional<model::Timing>& timing);
// What the probes themselves cost; only where that was asked for.
void put_overhead(Page& page, const std::optional<model::Overhead>& overhead);
// What each cause was concluded from, and both sides of every balance.
void put_evidence(Page& page, const model::Report& report);
// Packet sockets that see the traffic; probes that are missing, and what else was not seen.
void put_coverage(Page& page, const model::Report& report);

}  // namespace netio::report
