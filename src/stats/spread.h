// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "model/comparison.h"

namespace netio::stats {

// Runs that an interval needs: of five, even the smallest and the largest value hold the median in 93.75 % only.
inline constexpr std::size_t runs_for_interval = 6;

// The median of the values, and the narrowest pair of them, as far from either end, that holds the true median with 95
// %: by the binomial distribution of how many values lie below it, whatever the values' own distribution is (Conover,
// Practical Nonparametric Statistics, 3.2). Missing with fewer than runs_for_interval values.
model::Spreads spread_of(std::vector<double> values);

}  // namespace netio::stats
