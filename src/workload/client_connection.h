// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/workload.h"
#include "workload/endpoint.h"
#include "workload/hello.h"
#include "workload/options.h"
#include "workload/phase_gate.h"
#include "workload/stream_reader.h"

namespace netio::workload {

// One connection of the client, received by the thread that calls run().
class ClientConnection {
 public:
    ClientConnection(std::uint32_t index, std::uint64_t session, const ClientOptions& options, PhaseGate& gate);

    // Connects, then receives all phases; failures go to the gate.
    void run();
    // Wakes the thread out of any system call.
    void shut_down();
    // Asks the server to end the phase early.
    void ask_to_stop();

    // After the measured phase.
    const model::ConnectionResult& result() const { return result_; }
    const std::string& delivery_missing() const { return delivery_missing_; }
    const std::optional<ServerHello>& server() const { return server_; }
    std::uint64_t first_byte_ns() const { return first_byte_ns_; }  // CLOCK_MONOTONIC
    std::uint64_t last_byte_ns() const { return last_byte_ns_; }

 private:
    Result<void> establish();
    Result<void> greet(int fd);
    Result<void> check(const ServerHello& hello) const;
    Result<void> listen_for_server(int fd);
    // Goes on with the connection that the server opens for the measured phase, if it does.
    Result<void> change_connection();
    Result<void> receive_all();
    // `usage` begins with the measured phase.
    Result<void> receive_phases(StreamReader& reader, std::optional<ThreadUsage>& usage);
    Result<std::size_t> receive_some(std::vector<std::byte>& buffer, const StreamReader& reader);
    void store(const StreamReader& reader);

    std::uint32_t index_;
    std::uint64_t session_;
    const ClientOptions& options_;
    PhaseGate& gate_;
    std::mutex mutex_;  // socket_ is set by the thread while others may shut it down
    Fd socket_;
    Fd listener_;
    std::optional<ServerHello> server_;
    std::string delivery_missing_;
    Phase reached_ = Phase::connect;  // where a failure belongs
    std::uint64_t first_byte_ns_ = 0;
    std::uint64_t last_byte_ns_ = 0;
    model::ConnectionResult result_;
};

}  // namespace netio::workload
