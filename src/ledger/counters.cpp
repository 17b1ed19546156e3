// SPDX-License-Identifier: MIT
#include "ledger/counters.h"

#include <algorithm>
#include <limits>
#include <string>

#include "stats/ratio.h"

namespace netio::ledger {
namespace {

using Count = model::Figure<std::uint64_t>;
using Reading = model::CounterReading;
using Readings = std::vector<const Reading*>;

__extension__ using Wide = unsigned __int128;  // count x enabled needs more than 64 bits after minutes

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

Count added(const Count& left, const Count& right) {
    if (!left.measured()) {
        return left;
    }
    if (!right.measured()) {
        return right;
    }
    if (right.value() > largest - left.value()) {
        return Count::missing("the sum exceeds 64 bits");
    }
    return left.value() + right.value();
}

bool idle(const Reading& reading) {
    return reading.count.measured() && reading.count.value() == 0 && reading.enabled_ns == 0 && reading.running_ns == 0;
}

Count scaled_reading(const Reading& reading) {
    if (!reading.count.measured()) {
        return reading.count;
    }
    return scaled(reading.count.value(), reading.enabled_ns, reading.running_ns);
}

// Of the readings of one role and event, those of one space, summed over threads.
Count sum_of_space(const Readings& readings, std::string_view space) {
    Count sum = Count::missing("not counted apart for " + std::string(space) + " space");
    bool first = true;
    for (const Reading* reading : readings) {
        if (reading->space == space) {
            const Count count = idle(*reading) ? Count(0) : scaled_reading(*reading);
            sum = first ? count : added(sum, count);
            first = false;
        }
    }
    return sum;
}

bool has_space(const Readings& readings, std::string_view space) {
    return std::any_of(readings.begin(), readings.end(), [&](const Reading* r) { return r->space == space; });
}

double smallest_running_share(const Readings& readings) {
    double smallest = 1.0;
    for (const Reading* reading : readings) {
        if (reading->count.measured() && reading->enabled_ns > 0) {
            smallest =
                std::min(smallest, static_cast<double>(reading->running_ns) / static_cast<double>(reading->enabled_ns));
        }
    }
    return smallest;
}

model::CounterRow summarize(const Readings& readings, const Count& payload_bytes) {
    model::CounterRow row;
    row.role = readings.front()->role;
    row.event = readings.front()->event;
    row.user = sum_of_space(readings, "user");
    row.kernel = sum_of_space(readings, "kernel");
    row.total = has_space(readings, "all") ? sum_of_space(readings, "all") : added(row.user, row.kernel);
    row.running_share = smallest_running_share(readings);
    row.per_byte = stats::safe_ratio(row.total, payload_bytes, "no payload was sent");
    return row;
}

}  // namespace

Count scaled(std::uint64_t count, std::uint64_t enabled_ns, std::uint64_t running_ns) {
    if (running_ns == 0) {
        return Count::missing("never scheduled");
    }
    if (running_ns >= enabled_ns) {
        return count;
    }
    const Wide result = (Wide{count} * enabled_ns + running_ns / 2) / running_ns;
    if (result > largest) {
        return Count::missing("the scaled count exceeds 64 bits");
    }
    return static_cast<std::uint64_t>(result);
}

std::vector<model::CounterRow> summarize_counters(std::span<const model::CounterReading> readings,
                                                  const model::Figure<std::uint64_t>& payload_bytes) {
    std::vector<Readings> groups;
    for (const Reading& reading : readings) {
        const auto same = std::find_if(groups.begin(), groups.end(), [&](const Readings& group) {
            return group.front()->role == reading.role && group.front()->event == reading.event;
        });
        if (same == groups.end()) {
            groups.push_back({&reading});
        } else {
            same->push_back(&reading);
        }
    }
    std::vector<model::CounterRow> rows;
    rows.reserve(groups.size());
    for (const Readings& group : groups) {
        rows.push_back(summarize(group, payload_bytes));
    }
    return rows;
}

}  // namespace netio::ledger
