// SPDX-License-Identifier: MIT
#include "perf/plan.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "base/words.h"

namespace netio::perf {
namespace {

bool is_hardware(std::uint32_t type) {
    return type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE;
}

// Whether it is the event that the kernel does not know in this form; the lack of privilege says nothing of that.
bool refuses_form(int error_number) {
    constexpr std::array<int, 4> errors{ENOENT, EINVAL, ENODEV, EOPNOTSUPP};
    return std::find(errors.begin(), errors.end(), error_number) != errors.end();
}

bool is_clock(const Symbol& symbol) {
    return symbol.type == PERF_TYPE_SOFTWARE && is_one_of(symbol.name, {"cpu-clock", "task-clock"});
}

PlannedEvent plan_row(const Event& event, std::span<const Pmu> pmus, Naming naming) {
    PlannedEvent planned = plan_symbol(*find_symbol(event.name), pmus, naming);
    planned.group = event.group;
    planned.of_machine = planned.of_machine && (!planned.split || event.group == Group::instructions);
    return planned;
}

}  // namespace

bool is_on(const EventPart& part, std::uint32_t cpu) {
    return part.cpus.empty() || std::find(part.cpus.begin(), part.cpus.end(), cpu) != part.cpus.end();
}

const EventPart* part_on(const PlannedEvent& event, std::uint32_t cpu) {
    const auto part = std::find_if(event.parts.begin(), event.parts.end(),
                                   [&](const EventPart& candidate) { return is_on(candidate, cpu); });
    return part == event.parts.end() ? nullptr : &*part;
}

std::vector<Pmu> core_pmus(std::span<const Pmu> pmus) {
    std::vector<Pmu> cores;
    std::copy_if(pmus.begin(), pmus.end(), std::back_inserter(cores), [](const Pmu& pmu) { return pmu.core; });
    return cores;
}

bool takes_extended_types(std::span<const Pmu> pmus, Api& api) {
    const std::vector<Pmu> cores = core_pmus(pmus);
    if (cores.size() < 2) {
        return true;  // nobody asks
    }
    return std::all_of(cores.begin(), cores.end(), [&](const Pmu& pmu) {
        const Encoding cycles = *encoding_on(pmu, *find_symbol("cycles"), Naming::extended);
        const auto opened = api.open(attributes(cycles, Space::user, Scope::threads, true), calling_thread, -1);
        return opened || !refuses_form(opened.error());
    });
}

PlannedEvent plan_symbol(const Symbol& symbol, std::span<const Pmu> pmus, Naming naming) {
    PlannedEvent planned;
    planned.name = symbol.name;
    planned.type = symbol.type;
    planned.split = is_hardware(symbol.type);
    planned.of_machine = !is_clock(symbol);
    const std::vector<Pmu> cores = core_pmus(pmus);
    if (!planned.split || cores.size() < 2) {
        const bool on_some = planned.split && !cores.empty();
        planned.parts = {
            {"", on_some ? cores.front().cpus : std::vector<std::uint32_t>{}, Encoding{symbol.type, symbol.config}}};
        return planned;
    }
    for (const Pmu& pmu : cores) {
        planned.parts.push_back({pmu.name, pmu.cpus, encoding_on(pmu, symbol, naming)});
    }
    return planned;
}

std::vector<PlannedEvent> plan_catalogue(std::span<const Pmu> pmus, Naming naming) {
    std::vector<PlannedEvent> plan;
    for (const Event& event : hardware_events) {
        plan.push_back(plan_row(event, pmus, naming));
    }
    for (const Event& event : software_events) {
        plan.push_back(plan_row(event, pmus, naming));
    }
    return plan;
}

}  // namespace netio::perf
