// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/result.h"
#include "kernel/symbols.h"
#include "model/capture.h"

namespace netio::probes {

struct TracerOptions {
    model::Tier tier = model::Tier::automatic;
    std::uint32_t max_sockets = 64;
    std::uint32_t calls_in_flight = 16384;  // zero-copy calls per socket that can be told apart; a power of 2
    std::uint32_t ring_bytes = 256 * 1024;  // a power of 2, at least a page
    bool insist = true;                     // a forced tier without a required probe is an error
};

// What the probes learned in the measured window.
struct TraceFacts {
    std::vector<model::SocketFacts> sockets;
    std::vector<model::DeviceFacts> devices;
    std::vector<model::LateCopyFacts> late_copies;
    std::uint64_t lost_events = 0;
    std::uint64_t lost_copies = 0;
    std::uint64_t untracked_sockets = 0;
};

// The attached probes. They come off when this object, or the process, is gone: links are file descriptors.
class Tracer {
 public:
    // Chooses variants by trying, loads and attaches them. A program that the verifier refuses is a refused variant,
    // and the next one is tried. Errors: a forced tier that cannot be had, or no permission at all; where single probes
    // are missing the tracer works without them and probes() says so.
    static Result<Tracer> attach(const TracerOptions& options);
    // Whether this tracer, once it is reset, does what one that is attached now with these options would do: a module
    // may have come that has functions to attach to.
    bool serves(const TracerOptions& options) const;

    Tracer(Tracer&&) noexcept;
    Tracer& operator=(Tracer&&) noexcept;
    ~Tracer();

    const std::vector<model::ProbeFacts>& probes() const;

    // From start() on, the TCP sockets that this process (its threads included) uses are traced.
    Result<void> add_target(pid_t process, model::Role role);
    void start();
    void stop();
    // Takes waiting events out of the ring buffer; call it a few times a second.
    void poll();
    // After stop(). Symbolises the stacks that arrived.
    TraceFacts collect();
    // What the programs have run since they were loaded, while run statistics were on (enable_run_stats).
    std::vector<model::ProgramRuns> runs() const;
    // After collect(): the probes stay attached, and what they learned is forgotten, the processes to trace included.
    // Attaching costs more than most short runs.
    Result<void> reset();

 private:
    struct State;
    explicit Tracer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// What one tier, or the automatic choice, gives on the running kernel, for `doctor`: the real programs are loaded and
// attached as for a run, so that what the verifier refuses is seen, and taken off again at once. A probe that cannot be
// had has its refusals; nothing is an error. Takes some tenths of a second.
// What attach() failed with, as the reason of every probe.
std::vector<model::ProbeFacts> refused_probes(const Error& error);

std::vector<model::ProbeFacts> survey_probes(model::Tier tier);

}  // namespace netio::probes
