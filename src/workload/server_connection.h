// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "model/workload.h"
#include "workload/endpoint.h"
#include "workload/hello.h"
#include "workload/options.h"
#include "workload/phase_gate.h"
#include "workload/sender.h"

namespace netio::workload {

// One accepted connection, served by the thread that calls run().
class ServerConnection {
 public:
    // `socket` is connected and greeted. `client_port`: where the client listens for a connection of the server's, if
    // the options ask for one.
    ServerConnection(Fd socket, const ClientHello& hello, std::uint16_t client_port, const ServerOptions& options,
                     PhaseGate& gate);

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
    Result<void> make_sender_on(int fd);
    Result<void> open_anew();
    Result<void> run_phase(Phase phase);
    Result<void> send_all(Phase phase);
    // Sends one message; true: it was the last of its phase.
    Result<bool> send_message(Phase phase, std::uint64_t deadline_ns);
    bool is_last(Phase phase, std::uint64_t now_ns, std::uint64_t deadline_ns) const;
    Result<void> look_at_peer(std::uint64_t now_ns);
    void store_counts();
    void wait_for_peer_to_close();

    int socket() const { return opened_.valid() ? opened_.get() : greeted_.get(); }

    Fd greeted_;
    std::mutex mutex_;  // opened_ is set by the thread while others may shut it down
    Fd opened_;         // the connection of the measured phase, where it has one of its own
    std::uint16_t client_port_;
    std::uint32_t index_;
    bool verify_;  // a pattern that differs from message to message
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
