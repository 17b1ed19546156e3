// SPDX-License-Identifier: MIT
#include "ledger/counters.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>

#include "stats/ratio.h"

namespace netio::ledger {
namespace {

using Count = model::Figure<std::uint64_t>;

__extension__ using Wide = unsigned __int128;  // count x enabled needs more than 64 bits after minutes

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

// A reading, whoever it is of.
struct Raw {
    std::int64_t target;  // a thread or a processor
    std::string pmu;      // empty where there is but one
    std::string space;
    const Count* count;
    std::uint64_t enabled_ns;
    std::uint64_t running_ns;
};
using Raws = std::vector<Raw>;

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

// What the readings of one target, event and space have in common: one for each PMU.
struct Times {
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
    bool idle = true;              // the thread did not run
    const Raw* missing = nullptr;  // one that was not counted
};

Times times_of(const Raws& raws, const Raw& of) {
    Times times;
    for (const Raw& raw : raws) {
        if (raw.target != of.target || raw.space != of.space) {
            continue;
        }
        if (!raw.count->measured()) {
            times.missing = times.missing == nullptr ? &raw : times.missing;
            continue;
        }
        times.enabled_ns = std::max(times.enabled_ns, raw.enabled_ns);
        times.running_ns += raw.running_ns;
        times.idle = times.idle && raw.count->value() == 0 && raw.enabled_ns == 0 && raw.running_ns == 0;
    }
    return times;
}

// Where one of several PMUs did not count, nobody knows how long the others shared their hardware.
Count scaled_raw(const Raws& raws, const Raw& raw) {
    const Times times = times_of(raws, raw);
    if (times.missing != nullptr) {
        const Raw& absent = *times.missing;
        return absent.pmu.empty() ? *absent.count : Count::missing("on " + absent.pmu + ": " + absent.count->reason());
    }
    return times.idle ? Count(0) : scaled(raw.count->value(), times.enabled_ns, times.running_ns);
}

// Of the readings of one event, those of one space, and of one PMU where one is named.
Count sum_of(const Raws& raws, std::string_view space, std::string_view pmu = {}) {
    Count sum = Count::missing("not counted apart for " + std::string(space) + " space");
    bool first = true;
    for (const Raw& raw : raws) {
        if (raw.space == space && (pmu.empty() || raw.pmu == pmu)) {
            const Count count = scaled_raw(raws, raw);
            sum = first ? count : added(sum, count);
            first = false;
        }
    }
    return sum;
}

bool has_space(const Raws& raws, std::string_view space) {
    return std::any_of(raws.begin(), raws.end(), [&](const Raw& raw) { return raw.space == space; });
}

double smallest_running_share(const Raws& raws) {
    double smallest = 1.0;
    for (const Raw& raw : raws) {
        const Times times = times_of(raws, raw);
        if (times.missing == nullptr && times.enabled_ns > 0) {
            smallest =
                std::min(smallest, static_cast<double>(times.running_ns) / static_cast<double>(times.enabled_ns));
        }
    }
    return smallest;
}

Count total_of(const Raws& raws, const Count& user, const Count& kernel, std::string_view pmu = {}) {
    return has_space(raws, "all") ? sum_of(raws, "all", pmu) : added(user, kernel);
}

// Of all targets, spaces and PMUs, as they were read.
Count counted_in(const Raws& raws) {
    Count sum = *raws.front().count;
    for (std::size_t at = 1; at < raws.size(); ++at) {
        sum = added(sum, *raws[at].count);
    }
    return sum;
}

std::vector<model::CounterPart> parts_of(const Raws& raws) {
    std::vector<model::CounterPart> parts;
    std::set<std::string> seen;
    for (const Raw& raw : raws) {
        if (raw.pmu.empty() || !seen.insert(raw.pmu).second) {
            continue;
        }
        model::CounterPart part{raw.pmu, sum_of(raws, "user", raw.pmu), sum_of(raws, "kernel", raw.pmu), {}};
        part.total = total_of(raws, part.user, part.kernel, raw.pmu);
        parts.push_back(std::move(part));
    }
    return parts;
}

Raw raw_of(const model::CounterReading& reading) {
    return {reading.thread_id, reading.pmu.value_or(""), reading.space,
            &reading.count,    reading.enabled_ns,       reading.running_ns};
}
Raw raw_of(const model::ProcessorReading& reading) {
    return {reading.cpu, reading.pmu.value_or(""), "all", &reading.count, reading.enabled_ns, reading.running_ns};
}

// Readings that make one row together, in the order of the first of each.
template <class Reading, class Same>
std::vector<std::vector<const Reading*>> grouped(std::span<const Reading> readings, Same same) {
    std::vector<std::vector<const Reading*>> groups;
    for (const Reading& reading : readings) {
        const auto group =
            std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return same(*g.front(), reading); });
        if (group == groups.end()) {
            groups.push_back({&reading});
        } else {
            group->push_back(&reading);
        }
    }
    return groups;
}

template <class Reading>
Raws raws_of(const std::vector<const Reading*>& readings) {
    Raws raws;
    for (const Reading* reading : readings) {
        raws.push_back(raw_of(*reading));
    }
    return raws;
}

model::CounterRow summarize(const std::vector<const model::CounterReading*>& readings, const Count& payload_bytes) {
    const Raws raws = raws_of(readings);
    model::CounterRow row;
    row.role = readings.front()->role;
    row.event = readings.front()->event;
    row.user = sum_of(raws, "user");
    row.kernel = sum_of(raws, "kernel");
    row.total = total_of(raws, row.user, row.kernel);
    row.counted = counted_in(raws);
    row.running_share = smallest_running_share(raws);
    row.per_byte = stats::safe_ratio(row.total, payload_bytes, "no payload was sent");
    row.parts = parts_of(raws);
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
    std::vector<model::CounterRow> rows;
    const auto same = [](const model::CounterReading& a, const model::CounterReading& b) {
        return a.role == b.role && a.event == b.event;
    };
    for (const auto& group : grouped(readings, same)) {
        rows.push_back(summarize(group, payload_bytes));
    }
    return rows;
}

model::MachineCounters summarize_machine(std::span<const model::ProcessorReading> readings,
                                         const model::Figure<std::uint64_t>& payload_bytes) {
    model::MachineCounters machine;
    std::set<std::uint32_t> cpus;
    for (const model::ProcessorReading& reading : readings) {
        cpus.insert(reading.cpu);
    }
    machine.cpus = cpus.size();
    const auto same = [](const model::ProcessorReading& a, const model::ProcessorReading& b) {
        return a.event == b.event;
    };
    for (const auto& group : grouped(readings, same)) {
        const Raws raws = raws_of(group);
        model::MachineRow row;
        row.event = group.front()->event;
        row.total = sum_of(raws, "all");
        row.counted = counted_in(raws);
        row.running_share = smallest_running_share(raws);
        row.per_byte = stats::safe_ratio(row.total, payload_bytes, "no payload was sent");
        row.parts = parts_of(raws);
        machine.rows.push_back(std::move(row));
    }
    return machine;
}

}  // namespace netio::ledger
