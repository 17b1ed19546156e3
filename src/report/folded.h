// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/profile.h"

namespace netio::report {

// The call stacks of a profile, one a line: "task;outermost;...;innermost samples", as flame graph programs take them
// (Brendan Gregg's flamegraph.pl, speedscope). The program itself is one frame, "program". Sorted by text; spaces and
// semicolons in names are underscores. Lines end in a line feed.
std::string render_folded(const model::ProfileFacts& profile);

}  // namespace netio::report
