// SPDX-License-Identifier: MIT
#include "perf/facts.h"

#include <algorithm>

#include "base/text.h"
#include "perf/counters.h"

namespace netio::perf {
namespace {

// Why an event cannot be had in one space, for each of its PMUs.
std::vector<std::string> refusals_in(const PlannedEvent& event, Space space, const Host& host, Api& api) {
    EventSet one(host, api);
    one.add(0, calling_thread, {&event, 1}, Scope::threads, space);
    return one.refusals();
}

std::string of_both_spaces(const std::string& user, const std::string& kernel) {
    if (user == kernel) {
        return user;
    }
    if (user.empty()) {
        return "in kernel space: " + kernel;
    }
    if (kernel.empty()) {
        return "in user space: " + user;
    }
    return "in user space: " + user + "; in kernel space: " + kernel;
}

// What is said of all PMUs is said once.
std::string of_all_pmus(const PlannedEvent& event, const std::vector<std::string>& refusals) {
    if (std::all_of(refusals.begin(), refusals.end(), [&](const auto& text) { return text == refusals.front(); })) {
        return refusals.front();
    }
    std::vector<std::string> texts;
    for (std::size_t part = 0; part < refusals.size(); ++part) {
        if (!refusals[part].empty()) {
            texts.push_back(event.parts[part].pmu + ": " + refusals[part]);
        }
    }
    return join(texts, "; ");
}

std::string try_event(const PlannedEvent& event, const Host& host, Api& api) {
    if (!event.split) {
        return of_all_pmus(event, refusals_in(event, Space::all, host, api));
    }
    const auto user = refusals_in(event, Space::user, host, api);
    const auto kernel = refusals_in(event, Space::kernel, host, api);
    std::vector<std::string> both;
    for (std::size_t part = 0; part < user.size(); ++part) {
        both.push_back(of_both_spaces(user[part], kernel[part]));
    }
    return of_all_pmus(event, both);
}

}  // namespace

PmuFacts pmu_facts(std::span<const PlannedEvent> plan, const Host& host, Api& api) {
    PmuFacts facts{host, {}};
    for (const PlannedEvent& event : plan) {
        facts.events.push_back({event.name, try_event(event, host, api)});
    }
    return facts;
}

}  // namespace netio::perf
