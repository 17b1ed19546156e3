// SPDX-License-Identifier: MIT
#include "app/counting.h"

#include <sys/resource.h>

#include <fmt/format.h>

#include "kernel/limits.h"
#include "perf/cpus.h"

namespace netio::app {

namespace {

// Each event of each thread and of each processor is a descriptor; 1024, the usual soft limit, is few. select(2), which
// the soft limit protects from large descriptors, is used nowhere.
void raise_open_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);  // where it stays, events are missing with EMFILE as their reason
    }
}

}  // namespace

perf::EventSources event_sources() {
    perf::EventSources sources;
    sources.pmus = perf::find_pmus();
    sources.naming = perf::takes_extended_types(sources.pmus) ? perf::Naming::extended : perf::Naming::own;
    sources.tracefs = kernel::tracefs_folder(kernel::Root{}).value_or("");
    return sources;
}

std::vector<perf::PlannedEvent> plan_with(std::span<const perf::PlannedEvent> extra) {
    const perf::EventSources sources = event_sources();
    std::vector<perf::PlannedEvent> plan = perf::plan_catalogue(sources.pmus, sources.naming);
    plan.insert(plan.end(), extra.begin(), extra.end());
    return plan;
}

Result<std::vector<perf::PlannedEvent>> parse_extra_events(const std::optional<std::string>& list, bool count_machine) {
    if (!list) {
        return std::vector<perf::PlannedEvent>{};
    }
    const perf::EventSources sources = event_sources();
    auto events = perf::parse_events(*list, sources, perf::plan_catalogue(sources.pmus, sources.naming));
    if (!events || count_machine) {
        return events;
    }
    for (const perf::PlannedEvent& event : *events) {
        if (!event.of_threads) {
            return fail(fmt::format("--events {} --no-machine-counters", event.name),
                        "this PMU counts processors, and no threads", "without --no-machine-counters", ExitCode::usage);
        }
    }
    return events;
}

void print_known_events() {
    for (const std::string& line : perf::known_events(event_sources())) {
        fmt::print("{}\n", line);
    }
}

Counting::Counting(std::span<const perf::CountedThread> threads, std::span<const perf::PlannedEvent> plan,
                   bool count_machine) {
    raise_open_file_limit();
    threads_.emplace(threads, plan);
    if (count_machine) {
        machine_.emplace(perf::online_cpus(), plan);
    }
}

Counting::Moment Counting::now() {
    return {Clock::now(), kernel::processor_times(kernel::Root{})};
}

// The machine's window holds that of the threads.
void Counting::enable() {
    if (machine_) {
        first_ = now();
        machine_->enable();
    }
    threads_->enable();
}

void Counting::disable() {
    threads_->disable();
    if (machine_) {
        machine_->disable();
        last_ = now();
    }
}

void Counting::collect(model::Capture& capture) const {
    capture.counters = threads_->read();
    if (!machine_) {
        return;
    }
    auto& all = capture.machine_counters.emplace();
    if (first_ && last_ && first_->times && last_->times) {
        all = kernel::time_readings(*first_->times, *last_->times, last_->when - first_->when);
    }
    for (model::ProcessorReading& reading : machine_->read()) {
        all.push_back(std::move(reading));
    }
}

}  // namespace netio::app
