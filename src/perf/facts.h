// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "perf/api.h"
#include "perf/refusal.h"

namespace netio::perf {

struct EventFacts {
    std::string event;
    std::string refusal;  // why it cannot be counted, with the space where only one is refused; empty: it can
};

// What a user can count here, asked by opening each event on the calling thread.
struct PmuFacts {
    Host host;
    std::vector<EventFacts> events;  // all ten, in the order of the catalogue
    bool hardware_pmu() const { return !host.pmus.empty(); }
};

PmuFacts pmu_facts(const Host& host = host_facts(), Api& api = kernel_api());

}  // namespace netio::perf
