// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "model/capture.h"
#include "model/report.h"

namespace netio::ledger {

// What the stages cost per payload byte, and how much of what the counters of the two ends saw in kernel space they
// are. `counters`: see summarize_counters.
model::Timing summarize_timing(const model::TimingFacts& facts, std::span<const model::CounterRow> counters,
                               const model::Figure<std::uint64_t>& payload_bytes);

}  // namespace netio::ledger
