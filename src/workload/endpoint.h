// SPDX-License-Identifier: MIT
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "model/workload.h"
#include "workload/phase_gate.h"

namespace netio::workload {

// One end of the workload with its worker threads, as the thread that controls it sees it. Workers connect by
// themselves; gate() opens the phases and tells what has been reached.
class Endpoint {
 public:
    Endpoint() = default;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    // Ends all workers, whatever they wait for.
    virtual ~Endpoint() = default;

    virtual PhaseGate& gate() = 0;
    // What the measured phase gave; only when all workers have arrived there.
    virtual model::WorkloadResult result() const = 0;
    // A person at this end wants the phase to end early.
    virtual void interrupt() = 0;
    // Lets the workers close their sockets and ends them. With `linger` they first wait, within bounds, for the peer to
    // close, so that nothing that is under way is lost.
    virtual void leave(bool linger) = 0;
    // The port it listens on; nothing for a client.
    virtual std::optional<std::uint16_t> port() const { return std::nullopt; }
};

// A thread, or why the system refuses one more.
Result<std::thread> start_thread(std::function<void()> body);

// Processor time and context switches of the calling thread since construction (getrusage(2), RUSAGE_THREAD).
class ThreadUsage {
 public:
    ThreadUsage() { ::getrusage(RUSAGE_THREAD, &begin_); }
    void store(model::ConnectionResult& result) const;

 private:
    rusage begin_{};
};

}  // namespace netio::workload
