// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "kernel/symbols.h"
#include "model/profile.h"
#include "perf/sampler.h"

namespace netio::app {

// The processes whose samples are the workload's; 0: there is none.
struct ProfiledProcesses {
    pid_t server = 0;
    pid_t client = 0;
};

// A profile of the measured phase, from processors to facts.
class Profiler {
 public:
    // Errors: ExitCode::privilege where no event can be sampled or kernel functions have no addresses.
    static Result<Profiler> prepare(std::uint32_t rate_hz);

    Result<void> start() { return sampler_.enable(); }
    void poll() { sampler_.poll(); }
    void stop() { sampler_.disable(); }
    // Once, after stop() and while the processes still have their names.
    model::ProfileFacts collect(const ProfiledProcesses& processes);

 private:
    Profiler(perf::Sampler&& sampler, kernel::Symbols&& symbols)
        : sampler_(std::move(sampler)), symbols_(std::move(symbols)) {}

    perf::Sampler sampler_;
    kernel::Symbols symbols_;
};

// Addresses to functions: what server and client did, and what any other task did in network code; stacks of one task
// that are the same functions become one. What is left out is counted. `name_of` gives the name of a process.
model::ProfileFacts resolve_samples(const perf::Samples& samples, const kernel::Symbols& symbols,
                                    const ProfiledProcesses& processes,
                                    const std::function<std::string(pid_t)>& name_of);

}  // namespace netio::app
