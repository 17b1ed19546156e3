// SPDX-License-Identifier: MIT
#include "workload/server.h"

#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace netio::workload {
namespace {

constexpr std::chrono::nanoseconds hello_patience{5'000'000'000};

Result<void> check(const ServerOptions& options) {
    if (options.size_bytes < min_message_bytes) {
        return fail("a message of " + format_bytes(options.size_bytes) + " is too small",
                    "its stamp alone takes 8 bytes", "--size 8 or more", ExitCode::usage);
    }
    if (options.size_bytes > max_message_bytes) {
        return fail("a message of " + format_bytes(options.size_bytes) + " is too large",
                    "at most 1 GiB is held in memory", "--size 1G or less", ExitCode::usage);
    }
    if (options.connections > max_connections) {
        return fail(format_count(options.connections) + " threads are too many", "at most 1 024 connections are served",
                    "--threads 1024 or less", ExitCode::usage);
    }
    if (options.mptcp && options.opening != Opening::by_client) {
        return fail("Multipath TCP and Fast Open do not go together here", {}, "only one of them", ExitCode::usage);
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options) {
    if (auto sound = check(options); !sound) {
        return Unexpected{sound.error()};
    }
    auto listener = listen_on(options.bind_address, options.port, options.mptcp);
    if (!listener) {
        return Unexpected{listener.error()};
    }
    return std::unique_ptr<Server>(new Server(options, *std::move(listener)));
}

Server::Server(const ServerOptions& options, Listener listener)
    : options_(options),
      clock_id_(clock_identity()),
      listener_(std::move(listener.fd)),
      port_(listener.port),
      expected_(options.connections),
      acceptor_([this] { accept_all(); }) {}

Server::~Server() {
    gate_.cancel();
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& connection : connections_) {
            connection->shut_down();
        }
    }
    join();
}

void Server::leave(bool linger) {
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& connection : connections_) {
            connection->set_linger(linger);
        }
    }
    gate_.leave();
    join();
}

// The acceptor ends by itself once all connections are made, or when the gate is cancelled.
void Server::join() {
    if (acceptor_.joinable()) {
        acceptor_.join();
    }
    for (std::thread& worker : workers_) {
        if (worker.joinable()) {
            worker.join();
        }
    }
}

bool Server::complete() const {
    const std::scoped_lock lock(mutex_);
    return expected_ != 0 && connections_.size() == expected_;
}

// When all connections are made the listening socket is closed, so that who comes later is told at once.
void Server::accept_all() {
    while (!complete()) {
        if (auto accepted = accept_one(); !accepted) {
            return give_up(accepted.error());
        }
    }
    listener_.reset();
}

// The connections that will not come arrive in every phase by failing.
void Server::give_up(const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (connections_.empty()) {
        expected_ = 1;
        gate_.expect_workers(1);
    }
    for (std::size_t missing = expected_ - workers_.size(); missing != 0; --missing) {
        gate_.fail(Phase::connect, error);
    }
}

// A stranger's connection is closed and forgotten: a port scan must not end a measurement.
Result<void> Server::accept_one() {
    auto socket = accept_from(listener_.get(), gate_.cancelled());
    if (!socket) {
        return Unexpected{socket.error()};
    }
    std::array<std::byte, client_hello_bytes> bytes{};
    const auto read = read_exactly(socket->get(), bytes, hello_patience, gate_.cancelled());
    const auto hello = decode_client_hello(bytes);
    if (!read || !hello) {
        ++rejected_;
        return {};
    }
    const Verdict verdict = judge(*hello);
    const std::uint32_t connections = expected_ != 0 ? expected_ : hello->connections;
    // Counted before the client can know.
    rejected_ += verdict != Verdict::accepted ? 1 : 0;
    const auto answered = write_exactly(
        socket->get(), encode(ServerHello{protocol_version, verdict, options_.mode, options_.size_bytes, connections,
                                          clock_id_, options_.opening != Opening::by_client}));
    if (!answered || verdict != Verdict::accepted) {
        return {};
    }
    std::uint16_t port = 0;
    if (options_.opening != Opening::by_client) {
        std::array<std::byte, port_bytes> told{};
        if (!read_exactly(socket->get(), told, hello_patience, gate_.cancelled())) {
            return {};
        }
        port = decode_port(told);
    }
    return start(*std::move(socket), *hello, port);
}

Verdict Server::judge(const ClientHello& hello) const {
    if (hello.version != protocol_version) {
        return Verdict::wrong_version;
    }
    const std::uint32_t expected = expected_ != 0 ? expected_ : hello.connections;
    if (hello.connections != expected || hello.connections == 0 || hello.connections > max_connections ||
        hello.index >= hello.connections) {
        return Verdict::wrong_connections;
    }
    const bool taken = std::ranges::any_of(
        connections_, [&](const auto& connection) { return connection->result().index == hello.index; });
    const bool other_client = !connections_.empty() && hello.session != session_;
    return taken || other_client ? Verdict::busy : Verdict::accepted;
}

Result<void> Server::start(Fd socket, const ClientHello& hello, std::uint16_t client_port) {
    const std::scoped_lock lock(mutex_);
    if (connections_.empty()) {
        session_ = hello.session;
        expected_ = hello.connections;
        gate_.expect_workers(expected_);
    }
    connections_.push_back(std::make_unique<ServerConnection>(std::move(socket), hello, client_port, options_, gate_));
    auto worker = start_thread([connection = connections_.back().get()] { connection->run(); });
    if (!worker) {
        return Unexpected{worker.error()};
    }
    workers_.push_back(*std::move(worker));
    return {};
}

model::WorkloadResult Server::result() const {
    const std::scoped_lock lock(mutex_);
    model::WorkloadResult result;
    result.role = model::Role::server;
    result.pid = ::getpid();
    std::uint64_t begin_ns = UINT64_MAX;
    std::uint64_t end_ns = 0;
    for (const auto& connection : connections_) {
        result.connections.push_back(connection->result());
        result.zerocopy_opt_in = connection->opt_in();
        if (connection->result().messages != 0) {
            begin_ns = std::min(begin_ns, connection->first_send_ns());
            end_ns = std::max(end_ns, connection->end_ns());
        }
    }
    std::ranges::sort(result.connections, {}, &model::ConnectionResult::index);
    result.wall_ns = end_ns > begin_ns ? static_cast<std::int64_t>(end_ns - begin_ns) : 0;
    if (const auto failure = gate_.failure()) {
        result.failure = describe(failure->error);
    }
    return result;
}

}  // namespace netio::workload
