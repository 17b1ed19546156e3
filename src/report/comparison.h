// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/comparison.h"
#include "report/style.h"

namespace netio::report {

// For a person: the verdict; of messages of one size what a byte cost in each mode by class of kernel work, of several
// sizes what it cost more at each; how fast each mode was; and from which size on the last mode pays. Figures are
// medians with their 95 % intervals. No line is wider than style.columns, which are 60 at least.
std::string render_comparison(const model::SizeComparison& comparison, const TerminalStyle& style);

}  // namespace netio::report
