// SPDX-License-Identifier: MIT
#pragma once

#include "model/capture.h"
#include "model/report.h"

namespace netio::explain {

// The report that follows from a capture: ledger, witnesses, causes, verdict, latencies, counters, and what was not
// seen. Pure: a capture replayed elsewhere gives the same report.
model::Report build_report(const model::Capture& capture);

}  // namespace netio::explain
