// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/capture.h"
#include "model/report.h"

namespace netio::ledger {

// `count` of a counter that shared its hardware (multiplexing), as it would be had it counted all the time:
// count x enabled / running, to the nearest integer (perf_event_open(2), read_format). Both times in nanoseconds.
// Missing when the counter was never scheduled, or when the result exceeds 64 bits.
model::Figure<std::uint64_t> scaled(std::uint64_t count, std::uint64_t enabled_ns, std::uint64_t running_ns);

// One row per role and event, in the order the readings come in: scaled, summed over threads, user and kernel apart.
// A sum is missing as soon as one of its threads is, for a part must not pass for the whole. Threads that did not run
// in the window add nothing: their times stand still, so a task's counter then reads 0, 0, 0 (update_context_time).
//
// Where a machine has several kinds of cores, a thread's event is one of each of their PMUs. Each is enabled all the
// time that the thread runs and counts while it runs on its own cores, so that its running time alone says nothing of
// sharing: two PMUs that ran for 30 % and 70 % counted everything once, and scaling each by itself would double it. It
// is the sum of their running times that is held against the time enabled, and one factor that scales all of them.
std::vector<model::CounterRow> summarize_counters(std::span<const model::CounterReading> readings,
                                                  const model::Figure<std::uint64_t>& payload_bytes);

// The same for the processors of the machine: one row per event. Each has one PMU, and is scaled by itself.
model::MachineCounters summarize_machine(std::span<const model::ProcessorReading> readings,
                                         const model::Figure<std::uint64_t>& payload_bytes);

}  // namespace netio::ledger
