// SPDX-License-Identifier: MIT
#include "workload/client.h"

#include <unistd.h>

#include <algorithm>
#include <random>

#include "base/text.h"

namespace netio::workload {
namespace {

// Tells the connections of one client from those of another; no secret.
std::uint64_t random_session() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

Result<std::unique_ptr<Client>> Client::start(const ClientOptions& options) {
    if (options.connections == 0 || options.connections > max_connections) {
        return fail(format_count(options.connections) + " threads cannot be run", "1 to 1 024 connections can be made",
                    "--threads between 1 and 1024", ExitCode::usage);
    }
    std::unique_ptr<Client> client(new Client(options));
    for (const auto& connection : client->connections_) {
        auto worker = start_thread([worker = connection.get()] { worker->run(); });
        if (!worker) {
            return Unexpected{worker.error()};
        }
        client->workers_.push_back(*std::move(worker));
    }
    return client;
}

Client::Client(const ClientOptions& options) : options_(options) {
    gate_.expect_workers(options_.connections);
    const std::uint64_t session = random_session();
    for (std::uint32_t index = 0; index < options_.connections; ++index) {
        connections_.push_back(std::make_unique<ClientConnection>(index, session, options_, gate_));
    }
}

Client::~Client() {
    gate_.cancel();
    for (const auto& connection : connections_) {
        connection->shut_down();
    }
    join();
}

// The last message of every connection has been received: there is nothing to linger for.
void Client::leave(bool) {
    gate_.leave();
    join();
}

void Client::join() {
    for (std::thread& worker : workers_) {
        if (worker.joinable()) {
            worker.join();
        }
    }
}

void Client::interrupt() {
    for (const auto& connection : connections_) {
        connection->ask_to_stop();
    }
}

std::optional<ServerHello> Client::server() const {
    return connections_.front()->server();
}

model::WorkloadResult Client::result() const {
    model::WorkloadResult result;
    result.role = model::Role::client;
    result.pid = ::getpid();
    result.zerocopy_opt_in = "not requested";
    std::uint64_t begin_ns = UINT64_MAX;
    std::uint64_t end_ns = 0;
    for (const auto& connection : connections_) {
        result.connections.push_back(connection->result());
        result.delivery_missing = connection->delivery_missing();
        if (connection->result().messages != 0) {
            begin_ns = std::min(begin_ns, connection->first_byte_ns());
            end_ns = std::max(end_ns, connection->last_byte_ns());
        }
    }
    result.wall_ns = end_ns > begin_ns ? static_cast<std::int64_t>(end_ns - begin_ns) : 0;
    if (const auto failure = gate_.failure()) {
        result.failure = describe(failure->error);
    }
    return result;
}

}  // namespace netio::workload
