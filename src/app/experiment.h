// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/capture.h"
#include "perf/plan.h"
#include "probes/tracer.h"
#include "provoke/network.h"

namespace netio::app {

// Of a run whose receiver is a netio-client that somebody else starts, mostly on another machine.
struct RemoteOptions {
    std::string bind_address;          // the server's, which the receiver connects to
    std::uint16_t port = 0;            // 0: any free one
    std::chrono::nanoseconds wait{0};  // how long for the receiver
    // Told the command that starts the receiver, once the server listens.
    std::function<void(const std::string& command)> invite;
};

struct ExperimentOptions {
    model::Spec spec;
    RemoteOptions remote;                    // of spec.path remote
    bool run_untraced = false;               // where no probe can be attached, run the workload and say why
    bool count = true;                       // perf events of the threads
    bool count_machine = true;               // and of the whole machine; without the former neither
    std::vector<perf::PlannedEvent> events;  // besides those of every run
    std::uint32_t profile_hz = 0;            // samples a second on every processor; 0: no profile
    bool count_runs = false;                 // of the BPF programs, and their time
    bool time_stages = false;                // by probes on entry and exit
    // Given every passage through a stage; stages are timed then.
    std::function<void(model::Timeline)> timeline;
    std::uint32_t ring_bytes = 256 * 1024;  // of events, see TracerOptions
    // Told the network when all is set up and before anything runs in it; the run's own networks only.
    std::function<void(const provoke::Network&)> staged;
};

// Told what is going on: a phase, and the share of it that is done (negative: unknown).
using Progress = std::function<void(const std::string& phase, double share)>;

// Probes that stay attached from one run to the next, for to attach them takes longer than a short run.
class KeptTracer {
 public:
    // A tracer that knows nothing yet: the kept one, or a new one where that does not do. Errors: Tracer::attach's.
    Result<probes::Tracer*> take(const probes::TracerOptions& options);

    // A signal that came when the measured phase was over leaves that run whole, and asks for no other one.
    void ask_for_no_more() { no_more_ = true; }
    bool is_asked_for_no_more() const { return no_more_; }

 private:
    std::optional<probes::Tracer> tracer_;
    bool no_more_ = false;
};

// One run: network, probes, server and client, warm-up, measurement, and everything taken down again. SIGINT and
// SIGTERM end the process at once before there is anything to show (PromptEnd), and the measured phase early; the
// capture then says so, and a second signal kills. After the measured phase a signal ends all waiting.
Result<model::Capture> run_experiment(const ExperimentOptions& options, const Progress& progress);
// The same with probes that were attached for an earlier run, and that are left to the next one.
Result<model::Capture> run_experiment(const ExperimentOptions& options, const Progress& progress, KeptTracer& kept);

}  // namespace netio::app
