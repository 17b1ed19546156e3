// SPDX-License-Identifier: MIT
#include "app/instruments.h"

#include <utility>

#include "probes/run_stats.h"

namespace netio::app {

namespace {

// Puts what `made` holds into `place`.
template <class T>
Result<void> keep(Result<T> made, std::optional<T>& place) {
    if (!made) {
        return Unexpected(made.error());
    }
    place.emplace(std::move(*made));
    return {};
}

// The probes that time stages hold a counter for cycles and one for instructions on every processor. The machine's own
// are left out then, for with both of them the threads would be left with few.
std::vector<perf::PlannedEvent> plan_for(const ExperimentOptions& options) {
    std::vector<perf::PlannedEvent> plan = plan_with(options.events);
    if (options.time_stages || options.timeline) {
        for (perf::PlannedEvent& event : plan) {
            event.of_machine = event.of_machine && event.group == perf::Group::none;
        }
    }
    return plan;
}

}  // namespace

Result<Instruments> Instruments::prepare(const ExperimentOptions& options,
                                         std::span<const perf::CountedThread> threads) {
    Instruments instruments;
    if (options.count) {
        instruments.counting_.emplace(threads, plan_for(options), options.count_machine);
    }
    Result<void> ready;
    if (options.profile_hz != 0) {
        ready = keep(Profiler::prepare(options.profile_hz), instruments.profiler_);
    }
    if (ready && (options.time_stages || options.timeline)) {
        ready = keep(StageTimer::attach(bool(options.timeline)), instruments.timer_);
    }
    if (ready && options.count_runs) {
        ready = keep(probes::enable_run_stats(), instruments.run_stats_);
    }
    if (!ready) {
        return Unexpected(ready.error());
    }
    return instruments;
}

Result<void> Instruments::add_target(pid_t process, model::Role role) {
    return timer_ ? (*timer_)->add_target(process, role) : Result<void>{};
}

Result<void> Instruments::start(const probes::Tracer* tracer) {
    tracer_ = tracer;
    runs_before_ = runs();
    if (timer_) {
        (*timer_)->start();
    }
    if (counting_) {
        counting_->enable();
    }
    return profiler_ ? profiler_->start() : Result<void>{};
}

void Instruments::poll() {
    if (profiler_) {
        profiler_->poll();
    }
    if (timer_) {
        (*timer_)->poll();
    }
}

void Instruments::stop() {
    if (profiler_) {
        profiler_->stop();
    }
    if (timer_) {
        (*timer_)->stop();
    }
    if (counting_) {
        counting_->disable();
    }
}

std::vector<model::ProgramRuns> Instruments::runs() const {
    if (!run_stats_) {
        return {};
    }
    std::vector<model::ProgramRuns> all = tracer_ != nullptr ? tracer_->runs() : std::vector<model::ProgramRuns>{};
    if (timer_) {
        const auto more = (*timer_)->runs();
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

std::vector<model::ProgramRuns> Instruments::runs_since_start() const {
    std::vector<model::ProgramRuns> now = runs();
    for (std::size_t i = 0; i < now.size(); ++i) {
        now[i].runs -= runs_before_[i].runs;
        now[i].ns -= runs_before_[i].ns;
        now[i].skipped -= runs_before_[i].skipped;
    }
    return now;
}

void Instruments::collect(const ProfiledProcesses& processes, const ExperimentOptions& options,
                          model::Capture& capture) {
    if (counting_) {
        counting_->collect(capture);
    }
    if (run_stats_) {
        capture.program_runs = runs_since_start();
    }
    if (profiler_) {
        capture.profile = profiler_->collect(processes);
    }
    if (timer_) {
        capture.timing = (*timer_)->collect();
    }
    if (options.timeline) {
        model::Timeline timeline = (*timer_)->take_timeline();
        timeline.server_pid = processes.server;
        timeline.client_pid = processes.client;
        options.timeline(std::move(timeline));
    }
}

}  // namespace netio::app
