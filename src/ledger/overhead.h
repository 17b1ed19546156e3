// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <vector>

#include "model/capture.h"
#include "model/report.h"

namespace netio::ledger {

// What the probes cost a send call and a payload byte. `counters`: see summarize_counters. Subtracted from nothing.
model::Overhead summarize_overhead(const std::vector<model::ProgramRuns>& runs,
                                   std::span<const model::CounterRow> counters, const model::Ledger& books);

}  // namespace netio::ledger
