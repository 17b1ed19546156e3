// SPDX-License-Identifier: MIT
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "workload/client.h"
#include "workload/runner.h"
#include "workload/server.h"

// A server and a client in one process, over loopback.

namespace netio::test {

struct PairOutcome {
    Result<workload::RunOutcome> server;
    Result<workload::RunOutcome> client;
};

// Options that make a short run: any free port, one warm-up message, 23 measured ones.
inline workload::ServerOptions short_run(model::CopyMode mode, std::uint64_t size_bytes) {
    workload::ServerOptions options;
    options.port = 0;
    options.mode = mode;
    options.size_bytes = size_bytes;
    options.messages = 23;
    options.warmup = std::chrono::nanoseconds(0);
    return options;
}

// The client's endpoint is destroyed in its thread: the server waits for its connections to close.
inline Result<workload::RunOutcome> run_client(const workload::ClientOptions& options) {
    auto client = workload::Client::start(options);
    if (!client) {
        return Unexpected{client.error()};
    }
    return workload::run(**client, {});
}

inline PairOutcome run_pair(const workload::ServerOptions& server_options, workload::ClientOptions client_options) {
    auto server = workload::Server::listen(server_options);
    if (!server) {
        return {Unexpected{server.error()}, fail("no server")};
    }
    client_options.port = (*server)->port().value();
    client_options.address = server_options.bind_address;
    PairOutcome outcome{fail("not run"), fail("not run")};
    std::thread client([&] { outcome.client = run_client(client_options); });
    outcome.server = workload::run(**server, {});
    client.join();
    return outcome;
}

// A connected pair of TCP sockets over loopback. `receive_buffer_bytes` limits how much the receiver's kernel takes.
struct SocketPair {
    Fd sender;
    Fd receiver;
};
inline Result<SocketPair> make_socket_pair(int receive_buffer_bytes = 0) {
    auto listener = workload::listen_on("127.0.0.1", 0);
    if (!listener) {
        return Unexpected{listener.error()};
    }
    Fd receiver(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer_bytes != 0) {
        ::setsockopt(receiver.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail_errno("connect", errno);
    }
    const std::atomic<bool> cancelled = false;
    auto sender = workload::accept_from(listener->fd.get(), cancelled);
    if (!sender) {
        return Unexpected{sender.error()};
    }
    workload::bound_waits(sender->get());
    workload::bound_waits(receiver.get());
    return SocketPair{*std::move(sender), std::move(receiver)};
}

}  // namespace netio::test
