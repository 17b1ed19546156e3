// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/report.h"
#include "report/style.h"

namespace netio::report {

enum class Depth { summary, evidence };

// The report for a person: one screen where nothing is amiss, no line wider than style.columns. Every figure is the
// report's own; one that was not measured is printed as "n/a" with the reason.
//
// With Depth::evidence, what each cause was concluded from stands in place of the innermost frames.
std::string render_terminal(const model::Report& report, const TerminalStyle& style, Depth depth = Depth::summary);

}  // namespace netio::report
