// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstdio>

#include "app/workload_app.h"
#include "workload/client.h"
#include "workload/socket.h"

namespace {

using namespace netio;

struct Arguments {
    app::ProgramOptions program{.name = "netio-client"};
    workload::ClientOptions client;
    std::string mode;
    std::string size;
};

void declare(CLI::App& cli, Arguments& arguments) {
    cli.add_option("--connect", arguments.client.address, "Address of the server")->capture_default_str();
    cli.add_option("--port", arguments.client.port, "Port of the server")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    cli.add_option("--threads", arguments.client.connections, "Connections to open, each with a thread")
        ->check(CLI::Range(1U, workload::max_connections))
        ->capture_default_str();
    cli.add_flag("--verify", arguments.client.verify, "Have a different pattern sent in every message, and compare it");
    cli.add_flag("--mptcp", arguments.client.mptcp, "Multipath TCP in place of TCP");
    cli.add_option("--mode", arguments.mode, "Refuse a server that sends in another mode");
    cli.add_option("--size", arguments.size, "Refuse a server whose messages have another size");
    cli.add_flag("--json", arguments.program.json, "Print the result as JSON");
    cli.add_option("--control-fd", arguments.program.control_fd)->group("");  // netio-trace's end of the program
}

Result<void> interpret(Arguments& arguments) {
    if (!arguments.mode.empty()) {
        const auto mode = app::parse_mode(arguments.mode);
        if (!mode) {
            return Unexpected{mode.error()};
        }
        arguments.client.expected_mode = *mode;
    }
    if (!arguments.size.empty()) {
        const auto size = app::parse_message_size(arguments.size);
        if (!size) {
            return Unexpected{size.error()};
        }
        arguments.client.expected_size_bytes = *size;
    }
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{"Receives what netio-server sends. How long, and in which mode, is the server's to say."};
    Arguments arguments;
    declare(cli, arguments);
    if (const auto code = app::parse_arguments(cli, argc, argv)) {
        return *code;
    }
    if (const auto understood = interpret(arguments); !understood) {
        return app::print_error(arguments.program.name, understood.error());
    }
    arguments.program.on_start = [&](const workload::Endpoint&) {
        fmt::print(stderr, "connecting to {}\n",
                   workload::endpoint_text(arguments.client.address, arguments.client.port));
    };
    return app::run_program(arguments.program, [&] { return workload::Client::start(arguments.client); });
}
