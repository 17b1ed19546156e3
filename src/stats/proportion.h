// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

namespace netio::stats {

// How far a share that was found in `samples` independent samples may be from the true one, in 95 of 100 cases: half
// the width of Wilson's score interval, which unlike the plain normal one is not 0 where nothing, or all, was found.
// 1 where there are no samples: nothing is known.
inline double proportion_margin(double share, std::uint64_t samples) {
    if (samples == 0) {
        return 1;
    }
    constexpr double z = 1.959964;  // of the normal distribution, 95 % on both sides
    const double n = static_cast<double>(samples);
    return z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
}

}  // namespace netio::stats
