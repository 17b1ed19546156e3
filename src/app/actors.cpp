// SPDX-License-Identifier: MIT
#include "app/actors.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "base/text.h"

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

std::vector<std::string> server_arguments(const Spec& spec, const Network& network, const Workload& changes,
                                          std::uint16_t port) {
    std::vector<std::string> arguments{"--bind",    network.server_address,
                                       "--port",    std::to_string(port),
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
                                                     {changes.late_completions, "--late-completions"},
                                                     {changes.empty_sends, "--empty-sends"},
                                                     {changes.uncounted_completions, "--uncounted-completions"},
                                                     {changes.mptcp, "--mptcp"},
                                                     {changes.fast_open, "--fast-open"},
                                                     {changes.fast_open_connect, "--fast-open-connect"}};
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

// A server that listens, and its port.
struct Listening {
    Child server;
    int port;
};

Result<Listening> start_server(const Spec& spec, const Network& network, const Workload& changes, std::uint16_t port) {
    ChildOptions options;
    options.network_namespace = network.server_fd();
    options.memlock_bytes = changes.memlock_bytes;
    options.identity = changes.as_nobody ? std::optional(nobody) : std::nullopt;
    auto server = start("netio-server", server_arguments(spec, network, changes, port), options);
    if (!server) {
        return Unexpected(server.error());
    }
    const auto listening = server->wait_event("listening", start_patience);
    if (!listening) {
        return Unexpected(listening.error());
    }
    return Listening{std::move(*server), listening->value("port", 0)};
}

Result<void> wait_connected(Child& child, model::Role role, std::vector<perf::CountedThread>& threads) {
    const auto connected = child.wait_event("connected", start_patience);
    if (!connected) {
        return Unexpected(connected.error());
    }
    add_threads(*connected, role, threads);
    return {};
}

// What the receiver's user has to run. An address that stands for all of a machine's names none.
std::string receiver_command(const Spec& spec, const std::string& address, int port) {
    const bool any = address == "0.0.0.0" || address == "::";
    return fmt::format("netio-client --connect {} --port {}{}", any ? "ADDRESS-OF-THIS-MACHINE" : address, port,
                       spec.threads == 1 ? "" : fmt::format(" --threads {}", spec.threads));
}

// Whether the server has something to say before the time is up.
bool speaks(const Child& server, std::chrono::nanoseconds wait) {
    constexpr std::int64_t longest = std::numeric_limits<int>::max();
    pollfd event{server.control_fd(), POLLIN, 0};
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return ::poll(&event, 1, static_cast<int>(std::min<std::int64_t>(wait_ms, longest))) > 0;
}

}  // namespace

std::vector<Child*> Actors::children() {
    std::vector<Child*> own;
    if (client) {
        own.push_back(&*client);
    }
    own.push_back(&server);
    return own;
}

Result<Actors> start_actors(const Spec& spec, const Network& network, const Workload& changes) {
    auto listening = start_server(spec, network, changes, 0);
    if (!listening) {
        return Unexpected(listening.error());
    }
    ChildOptions options;
    options.network_namespace = network.client_fd();
    auto client = start("netio-client", client_arguments(spec, network, changes, listening->port), options);
    if (!client) {
        return Unexpected(client.error());
    }
    Actors actors{std::move(listening->server), std::move(*client), {}};
    if (auto connected = wait_connected(actors.server, model::Role::server, actors.threads); !connected) {
        return Unexpected(connected.error());
    }
    if (auto connected = wait_connected(*actors.client, model::Role::client, actors.threads); !connected) {
        return Unexpected(connected.error());
    }
    return actors;
}

Result<Actors> start_sender(const ExperimentOptions& options, const Network& network) {
    auto listening = start_server(options.spec, network, {}, options.remote.port);
    if (!listening) {
        return Unexpected(listening.error());
    }
    const std::string command = receiver_command(options.spec, network.server_address, listening->port);
    if (options.remote.invite) {
        options.remote.invite(command);
    }
    if (!speaks(listening->server, options.remote.wait)) {
        const std::string who =
            options.spec.threads == 1 ? "nobody" : fmt::format("nobody with {} threads", options.spec.threads);
        return fail("no receiver came",
                    fmt::format("{} connected within {}", who, format_duration(options.remote.wait)),
                    fmt::format("on the other machine, while this waits: {}", command));
    }
    Actors actors{std::move(listening->server), std::nullopt, {}};
    if (auto connected = wait_connected(actors.server, model::Role::server, actors.threads); !connected) {
        return Unexpected(connected.error());
    }
    return actors;
}

Result<void> warm_up(Actors& actors, const Spec& spec) {
    const auto patience = start_patience + std::chrono::milliseconds(spec.warmup_ns / 1'000'000);
    for (Child* child : actors.children()) {
        if (auto sent = child->command("warm-up"); !sent) {
            return sent;
        }
    }
    auto children = actors.children();
    std::reverse(children.begin(), children.end());  // where both fail, the server knows why
    for (Child* child : children) {
        const auto warm = child->wait_event("warm", patience);
        if (!warm) {
            return tl::make_unexpected(warm.error());
        }
    }
    return {};
}

}  // namespace netio::app
