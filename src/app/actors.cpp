// SPDX-License-Identifier: MIT
#include "app/actors.h"

#include <optional>
#include <string>

namespace netio::app {

using model::Json;
using model::Spec;
using provoke::Network;
using provoke::Workload;
using workload::Child;
using workload::ChildOptions;

namespace {

constexpr std::chrono::milliseconds start_patience{60'000};  // longer than they wait for each other

std::string nanoseconds(std::int64_t value) {
    return std::to_string(value / 1000) + "us";
}

constexpr workload::Identity nobody{65534, 65534};

std::vector<std::string> server_arguments(const Spec& spec, const Network& network, const Workload& changes) {
    std::vector<std::string> arguments{"--bind",    network.server_address,
                                       "--port",    "0",
                                       "--mode",    std::string(to_string(spec.mode)),
                                       "--size",    std::to_string(spec.size_bytes),
                                       "--threads", std::to_string(spec.threads),
                                       "--warmup",  nanoseconds(spec.warmup_ns)};
    if (spec.messages != 0) {
        arguments.insert(arguments.end(), {"--messages", std::to_string(spec.messages)});
    } else {
        arguments.insert(arguments.end(), {"--duration", nanoseconds(spec.duration_ns)});
    }
    const std::pair<bool, const char*> switches[] = {{changes.skip_opt_in, "--no-so-zerocopy"},
                                                     {changes.secret_memory, "--secret-memory"},
                                                     {changes.mptcp, "--mptcp"}};
    for (const auto& [given, name] : switches) {
        if (given) {
            arguments.emplace_back(name);
        }
    }
    return arguments;
}

std::vector<std::string> client_arguments(const Spec& spec, const Network& network, const Workload& changes, int port) {
    std::vector<std::string> arguments{"--connect", network.server_address,      "--port", std::to_string(port),
                                       "--threads", std::to_string(spec.threads)};
    if (spec.verify) {
        arguments.emplace_back("--verify");
    }
    if (changes.mptcp) {
        arguments.emplace_back("--mptcp");
    }
    return arguments;
}

Result<Child> start(const char* name, std::vector<std::string> arguments, ChildOptions options) {
    const auto program = workload::find_program(name);
    if (!program) {
        return tl::make_unexpected(program.error());
    }
    options.program = *program;
    options.arguments = std::move(arguments);
    return Child::spawn(options);
}

void add_threads(const Json& event, model::Role role, std::vector<perf::CountedThread>& threads) {
    for (const auto& thread : event.value("threads", Json::array())) {
        threads.push_back({role, thread.get<std::int32_t>()});
    }
}

Result<Child> start_server(const Spec& spec, const Network& network, const Workload& changes) {
    ChildOptions options;
    options.network_namespace = network.server_fd();
    options.memlock_bytes = changes.memlock_bytes;
    options.identity = changes.as_nobody ? std::optional(nobody) : std::nullopt;
    return start("netio-server", server_arguments(spec, network, changes), options);
}

}  // namespace

Result<Actors> start_actors(const Spec& spec, const Network& network, const Workload& changes) {
    auto server = start_server(spec, network, changes);
    if (!server) {
        return tl::make_unexpected(server.error());
    }
    const auto listening = server->wait_event("listening", start_patience);
    if (!listening) {
        return tl::make_unexpected(listening.error());
    }
    ChildOptions options;
    options.network_namespace = network.client_fd();
    auto client = start("netio-client", client_arguments(spec, network, changes, listening->value("port", 0)), options);
    if (!client) {
        return tl::make_unexpected(client.error());
    }
    Actors actors{std::move(*server), std::move(*client), {}};
    const std::pair<Child*, model::Role> both[] = {{&actors.server, model::Role::server},
                                                   {&actors.client, model::Role::client}};
    for (const auto& [child, role] : both) {
        const auto connected = child->wait_event("connected", start_patience);
        if (!connected) {
            return tl::make_unexpected(connected.error());
        }
        add_threads(*connected, role, actors.threads);
    }
    return actors;
}

Result<void> warm_up(Actors& actors, const Spec& spec) {
    const auto patience = start_patience + std::chrono::milliseconds(spec.warmup_ns / 1'000'000);
    for (Child* child : {&actors.client, &actors.server}) {
        if (auto sent = child->command("warm-up"); !sent) {
            return sent;
        }
    }
    for (Child* child : {&actors.server, &actors.client}) {
        const auto warm = child->wait_event("warm", patience);
        if (!warm) {
            return tl::make_unexpected(warm.error());
        }
    }
    return {};
}

}  // namespace netio::app
