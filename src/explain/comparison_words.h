// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "model/comparison.h"

// What a comparison says, in words.

namespace netio::explain {

// "1.60 times (1.52 to 1.71)"; the ratio must be measured.
std::string spell_ratio(const model::Spreads& ratio);
// "0.340 copy inside the kernel + 0.210 page pinning - 0.360 copy into the kernel + 0.010 rest = 0.200 ns/B"; empty
// where there are no costs.
std::string spell_sum(const model::Comparison& comparison);
// Which of several views of the costs it is: "sampled profile: time by cpu-clock".
std::string name_view(const model::Comparison& comparison);

// What counters say of the costs that samples were taken of, at each size, and whether the intervals of the two views
// meet; empty where one of them is missing.
std::string hear_other_view(const std::vector<model::Comparison>& sizes);

// Of one size: the costs and why, what was saved and paid, the throughput.
std::string verdict_of(const model::Comparison& comparison);
// Of several: the costs at each, why at the largest, and where the last mode begins to pay. Of one, its own verdict.
std::string verdict_of(const model::SizeComparison& comparison);

}  // namespace netio::explain
