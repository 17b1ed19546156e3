// SPDX-License-Identifier: MIT
#include "perf/facts.h"

namespace netio::perf {
namespace {

constexpr std::int32_t calling_thread = 0;

std::string try_event(const Event& event, Space space, const Host& host, Api& api) {
    const auto opened = api.open(attributes(event, space), calling_thread, -1);
    return opened ? std::string{} : refusal(opened.error(), event, host);
}

std::string try_both_spaces(const Event& event, const Host& host, Api& api) {
    const std::string user = try_event(event, Space::user, host, api);
    const std::string kernel = try_event(event, Space::kernel, host, api);
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

}  // namespace

PmuFacts pmu_facts(const Host& host, Api& api) {
    PmuFacts facts{host, {}};
    for (const Event& event : hardware_events) {
        facts.events.push_back({std::string(event.name), try_both_spaces(event, host, api)});
    }
    for (const Event& event : software_events) {
        facts.events.push_back({std::string(event.name), try_event(event, Space::all, host, api)});
    }
    return facts;
}

}  // namespace netio::perf
