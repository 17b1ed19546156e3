// SPDX-License-Identifier: MIT
#include "perf/cpu_counters.h"

#include <cerrno>
#include <utility>

#include "perf/event_names.h"

namespace netio::perf {

namespace {

perf_event_attr kernel_space_attributes(const Encoding& encoding) {
    perf_event_attr attr{};
    attr.size = sizeof(attr);
    attr.type = encoding.type;
    attr.config = encoding.config;
    attr.config1 = encoding.config1;
    attr.config2 = encoding.config2;
    attr.pinned = 1;
    attr.exclude_user = 1;
    return attr;
}

}  // namespace

CpuCounters open_cpu_counters(std::span<const std::uint32_t> cpus, std::span<const Pmu> pmus, Naming naming,
                              const Host& host, SamplerApi& api) {
    const PlannedEvent cycles = plan_symbol(*find_symbol("cycles"), pmus, naming);
    const PlannedEvent instructions = plan_symbol(*find_symbol("instructions"), pmus, naming);
    CpuCounters counters;
    for (const std::uint32_t cpu : cpus) {
        CpuCounter counter{cpu, {}, {}};
        for (const auto& [event, fd] : {std::pair{&cycles, &counter.cycles}, {&instructions, &counter.instructions}}) {
            const EventPart* part = part_on(*event, cpu);
            const bool named = part != nullptr && part->encoding;
            auto opened = named ? api.open_on_cpu(kernel_space_attributes(*part->encoding), cpu)
                                : tl::expected<Fd, int>(tl::unexpected(ENOENT));
            if (!opened) {
                return {{}, event->name + ": " + refusal(opened.error(), event->type, host)};
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
