// SPDX-License-Identifier: MIT
#include "stats/spread.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace netio::stats {

namespace {

// The probability that `heads` of so many coins show heads.
double probability_of(std::size_t heads, std::size_t coins) {
    const auto n = static_cast<double>(coins);
    const auto k = static_cast<double>(heads);
    return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) - n * std::log(2.0));
}

// The rank, counted from 1, of the interval's lower end: with what lies below it left out at both ends, the median is
// missed on either side in at most 2.5 %.
std::size_t lower_rank(std::size_t runs) {
    constexpr double one_side = 0.025;
    std::size_t rank = 0;
    for (double missed = probability_of(0, runs); missed <= one_side; missed += probability_of(rank, runs)) {
        ++rank;
    }
    return rank;
}

}  // namespace

model::Spreads spread_of(std::vector<double> values) {
    const std::size_t runs = values.size();
    if (runs < runs_for_interval) {
        return model::Spreads::missing(fmt::format("an interval needs {} runs, there are {}", runs_for_interval, runs));
    }
    std::sort(values.begin(), values.end());
    const std::size_t rank = lower_rank(runs);
    const double median = runs % 2 == 1 ? values[runs / 2] : (values[runs / 2 - 1] + values[runs / 2]) / 2;
    return model::Spread{median, values[rank - 1], values[runs - rank], runs};
}

}  // namespace netio::stats
