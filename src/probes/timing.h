// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/overhead.h"
#include "model/timing.h"

namespace netio::probes {

// Open perf events that count in kernel space on one CPU.
struct CpuCounter {
    std::uint32_t cpu = 0;
    int cycles = -1;
    int instructions = -1;
};

struct CpuCounters {
    std::vector<CpuCounter> cpus;
    std::string missing;  // why there are none
};

struct TimerOptions {
    CpuCounters counters;   // must stay open as long as the timer
    bool passages = false;  // keep each passage, for a timeline
};

// Times the stages of the data path (bpf/netio_timing.bpf.c): system calls, softirqs and waiting by tracepoints, what
// lies inside of them by fentry and fexit programs, where the kernel allows those. Costs each passage some 100 ns, so
// it is for runs that ask for it.
class Timer {
 public:
    // Loads and attaches. Errors: not even tracepoints can be used (ExitCode::privilege).
    static Result<Timer> attach(const TimerOptions& options);

    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) noexcept;
    ~Timer();

    // From start() to stop(), the stages that this process (its threads included) passes through are timed.
    Result<void> add_target(pid_t process, model::Role role);
    void start();
    void stop();
    // Takes waiting passages out of the ring buffer; call it a few times a second.
    void poll();
    // After stop().
    model::TimingFacts collect();
    // What the programs have run since they were loaded, while run statistics were on (enable_run_stats).
    std::vector<model::ProgramRuns> runs() const;
    // After collect(): the passages in the order in which they ended; whose they are is for the caller to say.
    model::Timeline take_timeline();

 private:
    struct State;
    explicit Timer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace netio::probes
