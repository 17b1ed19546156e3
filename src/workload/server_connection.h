// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "model/workload.h"
#include "workload/endpoint.h"
#include "workload/options.h"
#include "workload/phase_gate.h"
#include "workload/sender.h"

namespace netio::workload {

// One accepted connection, served by the thread that calls run().
class ServerConnection {
 public:
    // `socket` is connected and greeted; `verify` asks for a pattern that differs from message to message.
    ServerConnection(Fd socket, std::uint32_t index, bool verify, const ServerOptions& options, PhaseGate& gate);

    // All phases; failures go to the gate.
    void run();
    // Wakes the thread out of any system call: nothing more is sent or received.
    void shut_down();
    void set_linger(bool linger) { linger_ = linger; }

    // After the measured phase.
    const model::ConnectionResult& result() const { return result_; }
    const std::string& opt_in() const { return opt_in_; }
    std::uint64_t first_send_ns() const { return first_send_ns_; }  // CLOCK_MONOTONIC; 0: nothing was sent
    std::uint64_t end_ns() const { return end_ns_; }                // last byte taken or last completion read

 private:
    Result<void> run_phase(Phase phase);
    Result<void> send_all(Phase phase);
    // Sends one message; true: it was the last of its phase.
    Result<bool> send_message(Phase phase, std::uint64_t deadline_ns);
    bool is_last(Phase phase, std::uint64_t now_ns, std::uint64_t deadline_ns) const;
    Result<void> look_at_peer(std::uint64_t now_ns);
    void store_counts();
    void wait_for_peer_to_close();

    Fd socket_;
    std::uint32_t index_;
    bool verify_;
    const ServerOptions& options_;
    PhaseGate& gate_;
    bool linger_ = false;  // written before the gate lets the thread leave
    std::unique_ptr<Sender> sender_;
    stats::Histogram send_call_ns_;
    std::uint64_t number_ = 0;    // of the next message, warm-up included
    std::uint64_t in_phase_ = 0;  // messages sent in this phase
    std::uint64_t last_stamp_ns_ = 0;
    std::uint64_t next_look_ns_ = 0;
    std::uint64_t first_send_ns_ = 0;
    std::uint64_t end_ns_ = 0;
    std::string opt_in_;
    model::ConnectionResult result_;
};

}  // namespace netio::workload
