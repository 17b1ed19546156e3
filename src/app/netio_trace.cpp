// SPDX-License-Identifier: MIT
#include <array>

#include "app/commands.h"
#include "app/workload_app.h"

namespace {

using namespace netio;

constexpr const char* description =
    "Tells for every byte a program sends over TCP whether it was copied, how often, where in the kernel and why.";

constexpr const char* examples =
    "Examples:\n"
    "  sudo netio-trace --mode zerocopy --size 16384     where every byte of zero-copy sends went\n"
    "  sudo netio-trace --mode one-copy --size 64K --threads 4 --duration 2s\n"
    "  sudo netio-trace --compare one-copy,zerocopy      what a byte cost in each, taking turns, and why\n"
    "  sudo netio-trace --provoke packet-tap             what a sniffer costs a zero-copy sender\n"
    "  sudo netio-trace --path remote --bind 192.0.2.7   through a NIC, to a netio-client on another machine\n"
    "  sudo netio-trace --json run.json                  keep everything; look again without root:\n"
    "  netio-trace replay run.json\n"
    "  sudo netio-trace sweep --modes two-copy,zerocopy --sizes 4K,64K -o results     and results.csv for plots\n"
    "  sudo netio-trace doctor                           what can be traced on this kernel\n"
    "  sudo netio-trace doctor --to 10.99.0.2            what will become of a zero-copy send, before one is made\n"
    "\n"
    "Ctrl-C ends the measurement and prints what there is; before the measurement, and the second time, it quits.\n"
    "Exit codes: 0 measured; 2 bad usage; 3 privilege or kernel feature missing, with a report of the workload alone\n"
    "where the kernel lets nothing be traced; 4 data incomplete;\n"
    "130 or 143 ended by SIGINT or SIGTERM before anything was measured.\n";

struct Subcommand {
    CLI::App* parser;
    app::Command command;
};

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{description, "netio-trace"};
    cli.footer(examples);
    cli.require_subcommand(0, 1);
    const app::Command run = app::declare_run(cli);
    auto* run_parser = cli.add_subcommand("run", "Run an experiment and explain it; the default command");
    auto* doctor_parser =
        cli.add_subcommand("doctor", "What this kernel and machine allow; --to ADDRESS: what will become of a send");
    auto* sweep_parser =
        cli.add_subcommand("sweep", "Every mode with every size and number of connections, kept in a folder");
    auto* replay_parser = cli.add_subcommand("replay", "The report of a saved run, without root");
    auto* causes_parser = cli.add_subcommand("causes", "The known causes of copying; --prove provokes them");
    auto* explain_parser = cli.add_subcommand("explain", "What one cause means, how it is known, and what helps");
    const std::array<Subcommand, 6> subcommands{{{run_parser, app::declare_run(*run_parser)},
                                                 {doctor_parser, app::declare_doctor(*doctor_parser)},
                                                 {sweep_parser, app::declare_sweep(*sweep_parser)},
                                                 {replay_parser, app::declare_replay(*replay_parser)},
                                                 {causes_parser, app::declare_causes(*causes_parser)},
                                                 {explain_parser, app::declare_explain(*explain_parser)}}};
    if (const auto code = app::parse_arguments(cli, argc, argv)) {
        return *code;
    }
    const app::Command* chosen = &run;
    for (const Subcommand& subcommand : subcommands) {
        chosen = subcommand.parser->parsed() ? &subcommand.command : chosen;
    }
    const auto outcome = (*chosen)();
    return outcome ? *outcome : app::print_error("netio-trace", outcome.error());
}
