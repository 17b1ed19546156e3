// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

namespace netio::explain {

// A cost of a byte as it is printed, with three digits behind the point: sums of such figures are right on paper.
inline double printed(double per_byte) {
    return std::round(per_byte * 1000) / 1000 + 0.0;  // + 0.0: never -0
}

}  // namespace netio::explain
