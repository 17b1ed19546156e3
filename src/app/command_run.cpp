// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>

#include "app/commands.h"
#include "app/compare.h"
#include "app/counting.h"
#include "app/experiment.h"
#include "app/progress.h"
#include "app/words.h"
#include "app/workload_app.h"
#include "base/words.h"
#include "kernel/limits.h"
#include "perf/sampler.h"
#include "provoke/scenario.h"
#include "report/timeline.h"
#include "stats/spread.h"
#include "workload/options.h"

namespace netio::app {

using model::Spec;

namespace {

// The options as they were typed.
struct RunWords {
    std::string mode = "zerocopy";
    std::string size = "16K";
    std::vector<std::string> compare;  // modes; empty: one run
    std::vector<std::string> sizes;    // of a comparison; empty: `size`
    std::uint32_t rounds = 8;
    std::string path = "veth";
    std::string tier = "auto";
    std::string bind;
    std::optional<std::uint16_t> port;
    std::string wait;
    std::string provoke = "none";
    std::optional<std::string> duration;
    std::string warmup = "200ms";
    std::string ring = "256K";
    std::uint64_t messages = 0;
    std::uint32_t threads = 1;
    bool verify = false;
    bool no_counters = false;
    bool no_machine_counters = false;
    std::optional<std::string> events;
    bool profile = false;
    bool timing = false;
    bool overhead = false;
    std::string timeline;
    std::optional<std::uint32_t> profile_hz;
    Outputs outputs;
};

constexpr const char* default_wait = "1m";

// A comparison is many runs.
std::string duration_of(const RunWords& words) {
    return words.duration.value_or(words.compare.empty() ? "5s" : "1s");
}

Result<Spec> workload_spec(const RunWords& words) {
    Spec spec;
    const auto mode = parse_mode(words.mode);
    const auto size = parse_message_size(words.size);
    const auto duration = parse_time("--duration", duration_of(words));
    const auto warmup = parse_time("--warmup", words.warmup);
    if (const Error* error = first_error(mode, size, duration, warmup)) {
        return Unexpected{*error};
    }
    if (words.messages == 0 && duration->count() <= 0) {
        return fail("--duration " + duration_of(words), "nothing can be measured in no time", "--duration 5s",
                    ExitCode::usage);
    }
    spec.mode = *mode;
    spec.size_bytes = *size;
    spec.duration_ns = duration->count();
    spec.warmup_ns = warmup->count();
    spec.threads = words.threads;
    spec.messages = words.messages;
    spec.verify = words.verify;
    return spec;
}

// A scenario may need messages of its own size; what the user asked for by name goes first.
void apply_scenario(const provoke::Scenario* scenario, const RunWords& words, Spec& spec) {
    const bool by_name = words.size != RunWords{}.size || !words.sizes.empty();
    if (scenario != nullptr && scenario->workload.size_bytes != 0 && !by_name) {
        spec.size_bytes = scenario->workload.size_bytes;
    }
}

// Options that mean nothing to a run that starts its own receiver, and those that mean nothing to one that does not.
Result<void> check_receiver(const RunWords& words, const Spec& spec) {
    const std::pair<bool, const char*> of_remote[] = {
        {!words.bind.empty(), "--bind"}, {words.port.has_value(), "--port"}, {!words.wait.empty(), "--wait"}};
    for (const auto& [given, name] : of_remote) {
        if (given && !sees_only_sender(spec)) {
            return fail(fmt::format("{} with --path {}", name, words.path), "such a run makes both ends itself",
                        fmt::format("--path remote {}", name), ExitCode::usage);
        }
    }
    if (!sees_only_sender(spec)) {
        return {};
    }
    if (words.bind.empty()) {
        return fail("--path remote", "the receiver needs an address of this machine to connect to",
                    "--bind with the address of the NIC that is to be measured", ExitCode::usage);
    }
    if (words.provoke != "none") {
        return fail("--path remote --provoke " + words.provoke,
                    "causes are provoked in namespaces of the run's own only", "--provoke without --path",
                    ExitCode::usage);
    }
    if (spec.verify) {
        return fail("--path remote --verify", "the receiver is the one who can compare", "netio-client --verify there",
                    ExitCode::usage);
    }
    return {};
}

Result<ExperimentOptions> interpret(const RunWords& words) {
    auto spec = workload_spec(words);
    if (!spec) {
        return tl::make_unexpected(spec.error());
    }
    const auto path = parse_word("--path", model::path_names, words.path);
    const auto tier = parse_word("--tier", model::tier_names, words.tier);
    const auto scenario =
        words.provoke == "none" ? Result<const provoke::Scenario*>(nullptr) : provoke::find_scenario(words.provoke);
    const auto ring = parse_size(words.ring);
    const auto wait = parse_time("--wait", words.wait.empty() ? default_wait : words.wait);
    const auto events = parse_extra_events(words.events, !words.no_machine_counters);
    if (const Error* error = first_error(path, tier, scenario, ring, wait, events)) {
        return Unexpected{*error};
    }
    if (*ring < 4096 || *ring > (1U << 30) || (*ring & (*ring - 1)) != 0) {
        return fail("--ring " + words.ring, "the ring buffer takes a power of two from 4K to 1G", "--ring 256K",
                    ExitCode::usage);
    }
    if (*scenario != nullptr && (*scenario)->group == 'A' && spec->mode != model::CopyMode::zerocopy) {
        return fail(fmt::format("--provoke {} --mode {}", words.provoke, words.mode),
                    "only a zero-copy send can be refused or ignored", "--mode zerocopy", ExitCode::usage);
    }
    ExperimentOptions options;
    options.spec = *spec;
    options.spec.path = *path;
    options.spec.tier = *tier;
    options.spec.provoke = words.provoke;
    apply_scenario(*scenario, words, options.spec);
    options.run_untraced = *tier == model::Tier::automatic;
    options.count = !words.no_counters;
    options.count_machine = !words.no_machine_counters;
    options.events = *events;
    // Each of the three asks for a profile.
    if (words.profile || words.profile_hz || !words.outputs.folded.empty()) {
        options.profile_hz = words.profile_hz.value_or(perf::default_profile_hz);
    }
    options.time_stages = words.timing;
    options.count_runs = words.overhead;
    options.ring_bytes = static_cast<std::uint32_t>(*ring);
    options.remote = {words.bind, words.port.value_or(workload::default_port), *wait, {}};
    if (auto fits = check_receiver(words, options.spec); !fits) {
        return Unexpected{fits.error()};
    }
    return options;
}

// The line comes even where stderr is no terminal: nothing goes on before somebody has read it.
void invite_receiver(const Progress& progress, const std::string& command) {
    progress("", -1);
    fmt::print(stderr, "netio-trace: waiting for the receiver; on the other machine: {}\n", command);
    progress("waiting for the receiver", -1);
}

void print_scenarios() {
    for (const auto& scenario : provoke::scenarios()) {
        fmt::print("{}  {:<36} {}\n", scenario.group, scenario.id, scenario.sets_up);
    }
}

// Whether modes can be compared as it was asked.
Result<void> check_comparison(const RunWords& words) {
    const std::string option = "--compare " + join(words.compare, ",");
    const std::set<std::string> modes(words.compare.begin(), words.compare.end());
    if (modes.size() < 2 || modes.size() < words.compare.size()) {
        return fail(option, modes.size() < 2 ? "it takes two modes to compare" : "a mode is named twice",
                    "--compare one-copy,zerocopy", ExitCode::usage);
    }
    if (words.path == "remote") {
        return fail(option + " --path remote", "a comparison makes both ends itself, again and again", "--path veth",
                    ExitCode::usage);
    }
    if (words.rounds < stats::runs_for_interval) {
        return fail(fmt::format("--rounds {}", words.rounds),
                    fmt::format("a 95 % interval needs {} rounds", stats::runs_for_interval),
                    fmt::format("--rounds {}, with a shorter --duration", stats::runs_for_interval), ExitCode::usage);
    }
    return {};
}

// Each mode as a run of its own, with a profile: what such a run cannot be, a comparison cannot either.
Result<std::vector<ExperimentOptions>> interpret_modes(RunWords words) {
    std::vector<ExperimentOptions> experiments;
    words.profile = true;
    for (const std::string& mode : words.compare) {
        words.mode = mode;
        auto options = interpret(words);
        if (!options) {
            return Unexpected(options.error());
        }
        experiments.push_back(*options);
    }
    return experiments;
}

Result<ComparePlan> interpret_comparison(RunWords words) {
    if (auto possible = check_comparison(words); !possible) {
        return Unexpected(possible.error());
    }
    ComparePlan plan;
    plan.rounds = words.rounds;
    const std::vector<std::string> sizes = words.sizes.empty() ? std::vector{words.size} : words.sizes;
    for (const std::string& size : sizes) {
        words.size = size;
        auto experiments = interpret_modes(words);
        if (!experiments) {
            return Unexpected(experiments.error());
        }
        plan.experiments.push_back(std::move(*experiments));
    }
    const auto bytes_of = [](const auto& experiments) { return experiments.front().spec.size_bytes; };
    std::ranges::sort(plan.experiments, {}, bytes_of);
    const auto same = std::ranges::adjacent_find(plan.experiments, {}, bytes_of);
    if (same != plan.experiments.end()) {
        return fail("--sizes " + join(words.sizes, ","), fmt::format("{} B is named twice", bytes_of(*same)),
                    "--sizes 4K,16K,64K", ExitCode::usage);
    }
    return plan;
}

Result<int> run_comparison(const RunWords& words) {
    const auto plan = interpret_comparison(words);
    if (!plan) {
        return Unexpected(plan.error());
    }
    return check_machine().and_then([&] { return check_outputs(words.outputs); }).and_then([&] {
        return compare(*plan, words.outputs);
    });
}

Result<int> run(const RunWords& words) {
    if (words.provoke == "help" || words.provoke == "list") {
        print_scenarios();
        return 0;
    }
    if (words.events && is_one_of(*words.events, {"help", "list"})) {
        print_known_events();
        return 0;
    }
    if (!words.compare.empty()) {
        return run_comparison(words);
    }
    auto options = interpret(words);
    if (!options) {
        return tl::make_unexpected(options.error());
    }
    if (auto able = check_machine(); !able) {
        return tl::make_unexpected(able.error());
    }
    auto writable = check_outputs(words.outputs).and_then([&] { return check_output(words.timeline); });
    if (!writable) {
        return tl::make_unexpected(writable.error());
    }
    model::Timeline timeline;
    if (!words.timeline.empty()) {
        options->timeline = [&timeline](model::Timeline kept) { timeline = std::move(kept); };
    }
    const Progress progress = terminal_progress();
    options->remote.invite = [&progress](const std::string& command) { invite_receiver(progress, command); };
    auto capture = run_experiment(*options, progress);
    if (!capture) {
        return tl::make_unexpected(capture.error());
    }
    if (!words.timeline.empty()) {
        if (auto written = put(words.timeline, report::render_timeline(timeline)); !written) {
            return tl::make_unexpected(written.error());
        }
    }
    return print_report(*capture, words.outputs);
}

void declare_workload(CLI::App& cli, RunWords& words) {
    cli.add_option("--mode", words.mode, "How the server sends: two-copy, per-field, one-copy or zerocopy")
        ->capture_default_str()
        ->group("Workload");
    cli.add_option("--size", words.size, "Bytes of a message, 8 to 1G, shared by its 8 fields")
        ->capture_default_str()
        ->group("Workload");
    cli.add_option("--threads", words.threads, "Connections, each with a thread at both ends")
        ->check(CLI::Range(1U, workload::max_connections))
        ->capture_default_str()
        ->group("Workload");
    auto* duration = cli.add_option("--duration", words.duration,
                                    "How long to measure: 500ms, 2m; 5s unless told, 1s a run with --compare")
                         ->group("Workload");
    cli.add_option("--messages", words.messages, "Messages on each connection, instead of a time")
        ->check(CLI::Range(std::uint64_t{1}, workload::max_messages))
        ->excludes(duration)
        ->group("Workload");
    cli.add_option("--warmup", words.warmup, "How long to send before what is measured")
        ->capture_default_str()
        ->group("Workload");
    cli.add_flag("--verify", words.verify, "Compare every received byte with what was sent")->group("Workload");
    cli.add_option("--path", words.path,
                   "What the traffic crosses: veth (two namespaces) or lo (one), both private; or remote: this machine "
                   "sends, as it is, and a netio-client elsewhere receives")
        ->capture_default_str()
        ->group("Workload");
    cli.add_option("--provoke", words.provoke,
                   "Bring a cause about in these namespaces; `--provoke help` lists the scenarios")
        ->capture_default_str()
        ->group("Workload");
}

void declare_comparison(CLI::App& cli, RunWords& words) {
    auto* compare =
        cli.add_option("--compare", words.compare,
                       "Modes that take turns: what a byte costs in the last one against the first, and why")
            ->delimiter(',')
            ->excludes("--mode")
            ->group("Comparison");
    cli.add_option("--sizes", words.sizes,
                   "Sizes in place of --size: what each costs, and from which on the last mode costs less")
        ->delimiter(',')
        ->needs(compare)
        ->excludes("--size")
        ->group("Comparison");
    cli.add_option("--rounds", words.rounds,
                   fmt::format("Runs of each mode; an interval needs {}", stats::runs_for_interval))
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str()
        ->needs(compare)
        ->group("Comparison");
}

void declare_remote(CLI::App& cli, RunWords& words) {
    cli.add_option("--bind", words.bind, "Address of this machine that the receiver connects to")
        ->group("With --path remote");
    cli.add_option("--port", words.port, "Port to listen on, 5001 unless told; 0: any free one")
        ->group("With --path remote");
    cli.add_option("--wait", words.wait, "How long to wait for the receiver, 1m unless told")
        ->group("With --path remote");
}

void declare_tracing(CLI::App& cli, RunWords& words) {
    cli.add_option("--tier", words.tier,
                   "Attach by fentry, kprobe or tracepoint only; none: do not trace; auto: what the kernel allows")
        ->capture_default_str()
        ->group("Tracing");
    cli.add_option("--ring", words.ring, "Bytes of the ring buffer for events")
        ->capture_default_str()
        ->group("Tracing");
    auto* no_counters = cli.add_flag("--no-counters", words.no_counters, "Do not count perf events")->group("Tracing");
    cli.add_flag("--no-machine-counters", words.no_machine_counters,
                 "Count the threads of the workload only, and not what the whole machine does meanwhile")
        ->group("Tracing");
    cli.add_option("--events", words.events,
                   "More perf events to count, by perf's names, as cpu/event=0x3c,umask=0x1/, r003c or "
                   "sched:sched_switch, with commas between; `--events help` lists what there is")
        ->excludes(no_counters)
        ->group("Tracing");
    cli.add_flag("--profile", words.profile,
                 "Interrupt every processor at fixed intervals, and tell by the call stacks what the kernel's time per "
                 "byte is spent on")
        ->group("Tracing");
    cli.add_flag(
           "--timing", words.timing,
           "Time each stage of the data path, waiting apart, by probes on the entry and the exit of its functions "
           "(fentry); with cycles and instructions where they are counted")
        ->group("Tracing");
    cli.add_flag("--overhead", words.overhead,
                 "Show what the probes themselves cost, by the kernel's run statistics of BPF programs")
        ->group("Tracing");
    cli.add_option("--timeline", words.timeline,
                   "Write each passage through a stage to FILE, as chrome://tracing and ui.perfetto.dev open it; times "
                   "the stages too")
        ->type_name("FILE")
        ->group("Tracing");
    cli.add_option("--profile-hz", words.profile_hz,
                   fmt::format("A profile of this many samples a second on each processor, {} unless told",
                               perf::default_profile_hz))
        ->check(CLI::Range(1U, perf::largest_profile_hz))
        ->group("Tracing");
}

}  // namespace

Result<void> check_machine() {
    const auto capabilities = kernel::own_capabilities();
    if (!capabilities) {
        return tl::make_unexpected(capabilities.error());
    }
    if (!capabilities->sys_admin || !capabilities->net_admin) {
        return fail("netio-trace cannot make network namespaces and attach probes",
                    "it needs CAP_SYS_ADMIN and CAP_NET_ADMIN",
                    "run it with sudo; `netio-trace replay FILE` needs no root", ExitCode::privilege);
    }
    return {};
}

Command declare_run(CLI::App& cli) {
    auto words = std::make_shared<RunWords>();
    declare_workload(cli, *words);
    declare_comparison(cli, *words);
    declare_remote(cli, *words);
    declare_tracing(cli, *words);
    declare_outputs(cli, words->outputs);
    for (const char* of_one_run : {"--folded", "--evidence", "--timing", "--timeline", "--overhead"}) {
        cli.get_option("--compare")->excludes(std::string(of_one_run));
    }
    return [words] { return run(*words); };
}

}  // namespace netio::app
