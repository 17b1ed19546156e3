// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "app/counting.h"
#include "app/experiment.h"
#include "app/profile.h"
#include "app/stage_timer.h"
#include "base/fd.h"
#include "perf/counters.h"

namespace netio::app {

// What measures the cost of a run beside the tracer, which measures what became of its bytes: each of them only where
// it was asked for.
class Instruments {
 public:
    // Everything is opened and attached, and stands still. Errors: what was asked for cannot be had.
    static Result<Instruments> prepare(const ExperimentOptions& options, std::span<const perf::CountedThread> threads);

    // Before start(): a process whose stages are timed.
    Result<void> add_target(pid_t process, model::Role role);
    // `tracer`: whose programs' runs are counted as well; null: there is none.
    Result<void> start(const probes::Tracer* tracer);
    // Takes waiting samples and passages; call it a few times a second.
    void poll();
    // Before the tracer stops.
    void stop();
    // After both have stopped.
    void collect(const ProfiledProcesses& processes, const ExperimentOptions& options, model::Capture& capture);

 private:
    Instruments() = default;
    std::vector<model::ProgramRuns> runs() const;
    std::vector<model::ProgramRuns> runs_since_start() const;

    std::optional<Counting> counting_;
    std::optional<Profiler> profiler_;
    std::optional<StageTimer> timer_;
    std::optional<Fd> run_stats_;  // open: the kernel counts the runs of BPF programs
    const probes::Tracer* tracer_ = nullptr;
    std::vector<model::ProgramRuns> runs_before_;
};

}  // namespace netio::app
