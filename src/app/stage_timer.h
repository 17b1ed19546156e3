// SPDX-License-Identifier: MIT
#pragma once

#include "perf/cpu_counters.h"
#include "probes/timing.h"

namespace netio::app {

// Times the stages of the data path, with the cycles and instructions of each where this machine counts them.
class StageTimer {
 public:
    // Errors: probes::Timer::attach's.
    static Result<StageTimer> attach(bool keep_passages);

    probes::Timer& operator*() { return timer_; }
    probes::Timer* operator->() { return &timer_; }
    const probes::Timer* operator->() const { return &timer_; }

 private:
    StageTimer(perf::CpuCounters counters, probes::Timer timer)
        : counters_(std::move(counters)), timer_(std::move(timer)) {}

    perf::CpuCounters counters_;  // open as long as programs read them
    probes::Timer timer_;
};

}  // namespace netio::app
