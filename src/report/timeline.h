// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/timing.h"

namespace netio::report {

// Passages through the stages as the JSON that chrome://tracing and ui.perfetto.dev open: one row a thread, below the
// process that it is of, times in microseconds from the first passage (Trace Event Format, "Complete Events").
std::string render_timeline(const model::Timeline& timeline);

}  // namespace netio::report
