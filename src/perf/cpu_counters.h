// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "perf/plan.h"
#include "perf/refusal.h"
#include "perf/sampler_api.h"

namespace netio::perf {

// Cycles and instructions that one processor spends in kernel space, whoever runs there.
struct CpuCounter {
    std::uint32_t cpu = 0;
    Fd cycles;
    Fd instructions;
};

struct CpuCounters {
    std::vector<CpuCounter> cpus;
    std::string missing;  // why there are none; all processors have them, or none
};

// Counting from now on, and pinned: a counter that shared its hardware with others would stand still at times, and a
// difference of two readings would not say so (perf_event_open(2), attr.pinned). To be read by BPF programs.
// Each processor is asked by the PMU of its own cores.
CpuCounters open_cpu_counters(std::span<const std::uint32_t> cpus, std::span<const Pmu> pmus, Naming naming,
                              const Host& host = host_facts(), SamplerApi& api = kernel_sampler_api());

}  // namespace netio::perf
