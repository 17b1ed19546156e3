// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "workload/endpoint.h"
#include "workload/hello.h"
#include "workload/options.h"
#include "workload/server_connection.h"
#include "workload/socket.h"

namespace netio::workload {

// The sending end: listens, and serves each connection of one client in a thread of its own.
class Server final : public Endpoint {
 public:
    // Listens at once; connections are accepted in the background. Errors are those of listen_on() and bad options.
    static Result<std::unique_ptr<Server>> listen(const ServerOptions& options);
    ~Server() override;

    PhaseGate& gate() override { return gate_; }
    model::WorkloadResult result() const override;
    void interrupt() override { gate_.request_stop(); }
    void leave(bool linger) override;
    std::optional<std::uint16_t> port() const override { return port_; }
    // Connections that were turned away: strangers, other clients, other versions.
    std::uint32_t rejected() const { return rejected_; }

 private:
    Server(const ServerOptions& options, Listener listener);
    void accept_all();
    Result<void> accept_one();
    Verdict judge(const ClientHello& hello) const;
    // `client_port`: where the client listens for the connection of the measured phase, if that is opened anew.
    Result<void> start(Fd socket, const ClientHello& hello, std::uint16_t client_port);
    bool complete() const;
    void give_up(const Error& error);
    void join();

    ServerOptions options_;
    std::string clock_id_;
    PhaseGate gate_;
    Fd listener_;
    std::uint16_t port_;
    std::uint64_t session_ = 0;   // of the client that is served; valid once a connection has started
    std::uint32_t expected_ = 0;  // connections; 0: the first client says
    std::atomic<std::uint32_t> rejected_ = 0;
    mutable std::mutex mutex_;  // connections_ and workers_ grow while the acceptor runs
    std::vector<std::unique_ptr<ServerConnection>> connections_;
    std::vector<std::thread> workers_;
    std::thread acceptor_;
};

}  // namespace netio::workload
