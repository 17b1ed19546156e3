// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "explain/rounds.h"
#include "model/comparison.h"

namespace netio::explain {

// rounds[i][j]: the report of mode j in round i, with a profile where one could be taken. At least one round of at
// least two modes, all alike but for the mode. Differences and ratios are taken within each round; their spread is over
// the rounds (stats::spread_of), and a difference whose interval holds 0 is called none.
model::Comparison compare(const std::vector<Round>& rounds);

// sizes[k]: the rounds with messages of one size, all of them alike but for that, the smallest size first; as many
// rounds of each. Besides each size's comparison, the size from which on the last mode costs less than the first:
// measured, and predicted by what is paid by the send and what by the byte.
model::SizeComparison compare_sizes(const std::vector<std::vector<Round>>& sizes);

}  // namespace netio::explain
