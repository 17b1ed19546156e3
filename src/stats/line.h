// SPDX-License-Identifier: MIT
#pragma once

#include <span>

namespace netio::stats {

// What a byte cost in messages of one size.
struct CostPoint {
    double size_bytes = 0;
    double cost_per_byte = 0;
};

// What is paid by the message, and what by the byte: cost_per_byte = fixed / size_bytes + per_byte.
struct CostLine {
    double fixed = 0;
    double per_byte = 0;
};

// The line with the least squares of what is left over, per byte. Needs two points of different sizes, through which it
// goes exactly.
CostLine fit_cost_line(std::span<const CostPoint> points);

// The size from which on the line is below 0: 0 where it is at every size, infinite where it is at none, or for small
// messages alone.
double size_below_zero(const CostLine& line);

}  // namespace netio::stats
