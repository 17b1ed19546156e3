// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <vector>

#include "perf/api.h"
#include "perf/plan.h"
#include "perf/refusal.h"

namespace netio::perf {

struct EventFacts {
    std::string event;
    std::string
        refusal;  // why it cannot be counted, with the space or the PMU where only one is refused; empty: it can
};

// What a user can count here, asked by opening each event on the calling thread.
struct PmuFacts {
    Host host;
    std::vector<EventFacts> events;  // in the order of the plan
    bool hardware_pmu() const { return !host.pmus.empty(); }
};

PmuFacts pmu_facts(std::span<const PlannedEvent> plan, const Host& host = host_facts(), Api& api = kernel_api());

}  // namespace netio::perf
