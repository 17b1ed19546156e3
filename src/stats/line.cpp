// SPDX-License-Identifier: MIT
#include "stats/line.h"

#include <limits>
#include <stdexcept>

namespace netio::stats {

CostLine fit_cost_line(std::span<const CostPoint> points) {
    double mean_x = 0;
    double mean_y = 0;
    const auto count = static_cast<double>(points.size());
    for (const CostPoint& point : points) {
        mean_x += 1 / point.size_bytes / count;
        mean_y += point.cost_per_byte / count;
    }
    double above = 0;
    double below = 0;
    for (const CostPoint& point : points) {
        const double x = 1 / point.size_bytes - mean_x;
        above += x * (point.cost_per_byte - mean_y);
        below += x * x;
    }
    if (!(below > 0)) {
        throw std::invalid_argument("a line needs two sizes");
    }
    const double fixed = above / below;
    return {fixed, mean_y - fixed * mean_x};
}

double size_below_zero(const CostLine& line) {
    if (line.per_byte >= 0) {
        return std::numeric_limits<double>::infinity();
    }
    const double size = line.fixed / -line.per_byte;
    return size < 1 ? 0 : size;  // no message is smaller than a byte
}

}  // namespace netio::stats
