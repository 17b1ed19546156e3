// SPDX-License-Identifier: MIT
#include "perf/cpu_counters.h"

#include <utility>

#include "perf/events.h"

namespace netio::perf {

namespace {

perf_event_attr kernel_space_attributes(const Event& event) {
    perf_event_attr attr{};
    attr.size = sizeof(attr);
    attr.type = event.type;
    attr.config = event.config;
    attr.pinned = 1;
    attr.exclude_user = 1;
    return attr;
}

}  // namespace

CpuCounters open_cpu_counters(std::span<const std::uint32_t> cpus, const Host& host, SamplerApi& api) {
    const Event& cycles = hardware_events[0];
    const Event& instructions = hardware_events[1];
    CpuCounters counters;
    for (const std::uint32_t cpu : cpus) {
        CpuCounter counter{cpu, {}, {}};
        for (const auto& [event, fd] : {std::pair{&cycles, &counter.cycles}, {&instructions, &counter.instructions}}) {
            auto opened = api.open_on_cpu(kernel_space_attributes(*event), cpu);
            if (!opened) {
                return {{}, std::string(event->name) + ": " + refusal(opened.error(), *event, host)};
            }
            *fd = std::move(*opened);
        }
        counters.cpus.push_back(std::move(counter));
    }
    if (counters.cpus.empty()) {
        counters.missing = "the list of processors cannot be read";
    }
    return counters;
}

}  // namespace netio::perf
