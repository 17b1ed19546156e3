// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/processor_times.h"
#include "model/capture.h"
#include "perf/counters.h"
#include "perf/event_list.h"

namespace netio::app {

// What this machine can be asked to count, and what is counted in every run, with `extra` behind it.
perf::EventSources event_sources();
std::vector<perf::PlannedEvent> plan_with(std::span<const perf::PlannedEvent> extra);

// The events of `list` that are not counted anyway, as --events has them. Errors: parse_events', and one for an event
// that is the machine's alone where that is not counted.
Result<std::vector<perf::PlannedEvent>> parse_extra_events(const std::optional<std::string>& list, bool count_machine);

// For `--events help`.
void print_known_events();

// Two views of one measured phase: the work of the threads, wherever it is done for them, and all that the machine did,
// in which softirqs on other processors and in other tasks' time are seen as well.
class Counting {
 public:
    Counting(std::span<const perf::CountedThread> threads, std::span<const perf::PlannedEvent> plan,
             bool count_machine);

    void enable();
    void disable();
    // Once, after disable().
    void collect(model::Capture& capture) const;

 private:
    using Clock = std::chrono::steady_clock;
    using Times = Result<std::vector<kernel::ProcessorTimes>>;
    struct Moment {
        Clock::time_point when;
        Times times;
    };
    static Moment now();

    std::optional<perf::CounterSet> threads_;
    std::optional<perf::MachineCounters> machine_;
    std::optional<Moment> first_;
    std::optional<Moment> last_;
};

}  // namespace netio::app
