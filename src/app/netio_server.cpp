// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstdio>

#include "app/words.h"
#include "app/workload_app.h"
#include "base/text.h"
#include "workload/server.h"

namespace {

using namespace netio;

struct Arguments {
    app::ProgramOptions program{.name = "netio-server"};
    workload::ServerOptions server;
    std::string mode = "zerocopy";
    std::string size = "16K";
    std::string duration = "5s";
    std::string warmup = "200ms";
};

void declare(CLI::App& cli, Arguments& arguments) {
    cli.add_option("--bind", arguments.server.bind_address, "Address to listen on; 0.0.0.0 or :: for all")
        ->capture_default_str();
    cli.add_option("--port", arguments.server.port, "Port to listen on; 0: any free one")->capture_default_str();
    cli.add_option("--mode", arguments.mode, "two-copy, per-field, one-copy or zerocopy")->capture_default_str();
    cli.add_option("--size", arguments.size, "Bytes of a message, 8 to 1G, shared by its 8 fields")
        ->capture_default_str();
    cli.add_option("--threads", arguments.server.connections,
                   "Connections, each with a thread; default: as many as the client opens")
        ->check(CLI::Range(1U, workload::max_connections));
    auto* duration = cli.add_option("--duration", arguments.duration, "How long to send")->capture_default_str();
    cli.add_option("--messages", arguments.server.messages, "Messages to send on each connection, instead of a time")
        ->check(CLI::Range(std::uint64_t{1}, workload::max_messages))
        ->excludes(duration);
    cli.add_option("--warmup", arguments.warmup, "How long to send before what is measured")->capture_default_str();
    cli.add_flag("--no-so-zerocopy", arguments.server.skip_opt_in,
                 "Do not set SO_ZEROCOPY: the kernel then ignores MSG_ZEROCOPY");
    cli.add_flag("--late-completions", arguments.server.late_completions,
                 "Read completions only when all buffers are in use: the kernel merges them meanwhile");
    cli.add_flag("--uncounted-completions", arguments.server.uncounted_completions,
                 "zerocopy: read completions and wait for none, for what stands before TCP (sockmap) numbers its own");
    cli.add_flag("--mptcp", arguments.server.mptcp, "Multipath TCP in place of TCP; the client needs it as well");
    cli.add_flag_callback(
        "--fast-open", [&] { arguments.server.opening = workload::Opening::by_first_send; },
        "Open the measured connection to the client, with data in its first packet (MSG_FASTOPEN)");
    cli.add_flag_callback(
        "--fast-open-connect", [&] { arguments.server.opening = workload::Opening::by_deferred_send; },
        "The same by connect(2) with TCP_FASTOPEN_CONNECT");
    cli.add_flag("--secret-memory", arguments.server.secret_memory,
                 "zerocopy: messages in memory that the kernel cannot pin (memfd_secret)");
    cli.add_flag("--empty-sends", arguments.server.empty_sends, "zerocopy: a send without bytes after each message");
    cli.add_flag("--json", arguments.program.json, "Print the result as JSON");
    cli.add_option("--control-fd", arguments.program.control_fd)->group("");  // netio-trace's end of the program
}

Result<void> interpret(Arguments& arguments) {
    const auto mode = app::parse_mode(arguments.mode);
    const auto size = app::parse_message_size(arguments.size);
    const auto duration = app::parse_time("--duration", arguments.duration);
    const auto warmup = app::parse_time("--warmup", arguments.warmup);
    if (const Error* error = app::first_error(mode, size, duration, warmup)) {
        return Unexpected{*error};
    }
    arguments.server.mode = *mode;
    arguments.server.size_bytes = *size;
    arguments.server.duration = *duration;
    arguments.server.warmup = *warmup;
    return {};
}

void announce(const Arguments& arguments, const workload::Endpoint& endpoint) {
    fmt::print(stderr, "listening on {} · {} · {} B in 8 fields\n",
               workload::endpoint_text(arguments.server.bind_address, endpoint.port().value_or(0)), arguments.mode,
               format_count(arguments.server.size_bytes));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{"Sends messages of 8 fields over TCP to one netio-client, in one of four copy modes."};
    Arguments arguments;
    declare(cli, arguments);
    if (const auto code = app::parse_arguments(cli, argc, argv)) {
        return *code;
    }
    if (const auto understood = interpret(arguments); !understood) {
        return app::print_error(arguments.program.name, understood.error());
    }
    arguments.program.on_start = [&](const workload::Endpoint& endpoint) { announce(arguments, endpoint); };
    return app::run_program(arguments.program, [&] { return workload::Server::listen(arguments.server); });
}
