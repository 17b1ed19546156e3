// SPDX-License-Identifier: MIT
#include "app/stage_timer.h"

#include "app/counting.h"
#include "perf/cpus.h"

namespace netio::app {

Result<StageTimer> StageTimer::attach(bool keep_passages) {
    const perf::EventSources sources = event_sources();
    perf::CpuCounters counters = perf::open_cpu_counters(perf::online_cpus(), sources.pmus, sources.naming);
    probes::TimerOptions options;
    options.passages = keep_passages;
    probes::CpuCounters& descriptors = options.counters;
    descriptors.missing = counters.missing;
    for (const perf::CpuCounter& counter : counters.cpus) {
        descriptors.cpus.push_back({counter.cpu, counter.cycles.get(), counter.instructions.get()});
    }
    auto timer = probes::Timer::attach(options);
    if (!timer) {
        return Unexpected(timer.error());
    }
    return StageTimer(std::move(counters), std::move(*timer));
}

}  // namespace netio::app
