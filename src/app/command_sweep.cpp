// SPDX-License-Identifier: MIT
#include <memory>
#include <random>

#include "app/commands.h"
#include "app/counting.h"
#include "app/sweep.h"
#include "app/words.h"
#include "app/workload_app.h"
#include "perf/sampler.h"
#include "workload/options.h"

namespace netio::app {

namespace {

// The options as they were typed.
struct SweepWords {
    std::vector<std::string> modes{"two-copy", "one-copy", "zerocopy"};
    std::vector<std::string> sizes{"256", "1K", "4K", "16K"};
    std::vector<std::uint32_t> threads{1, 2, 4, 8};
    std::vector<std::string> paths{"veth"};
    std::string tier = "auto";
    std::string duration = "2s";
    std::string warmup = "200ms";
    std::uint64_t messages = 0;
    std::uint32_t repeat = 1;
    std::optional<std::uint64_t> seed;
    std::string folder;
    bool no_counters = false;
    bool no_machine_counters = false;
    std::optional<std::string> events;
    std::uint32_t profile_hz = 0;
};

// Every word of a list through one parser.
template <class T, class Parse>
Result<std::vector<T>> parse_list(const std::vector<std::string>& words, Parse parse) {
    std::vector<T> values;
    for (const std::string& word : words) {
        auto value = parse(word);
        if (!value) {
            return Unexpected(value.error());
        }
        values.push_back(*value);
    }
    return values;
}

Result<model::Path> parse_own_path(const std::string& word) {
    auto path = parse_word("--paths", model::path_names, word);
    if (path && *path == model::Path::remote) {
        return fail("--paths remote", "a sweep makes both ends itself", "--paths veth,lo", ExitCode::usage);
    }
    return path;
}

Result<ExperimentOptions> common_options(const SweepWords& words) {
    const auto tier = parse_word("--tier", model::tier_names, words.tier);
    const auto duration = parse_time("--duration", words.duration);
    const auto warmup = parse_time("--warmup", words.warmup);
    const auto events = parse_extra_events(words.events, !words.no_machine_counters);
    if (const Error* error = first_error(tier, duration, warmup, events)) {
        return Unexpected(*error);
    }
    if (words.messages == 0 && duration->count() <= 0) {
        return fail("--duration " + words.duration, "nothing can be measured in no time", "--duration 2s",
                    ExitCode::usage);
    }
    ExperimentOptions options;
    options.spec.tier = *tier;
    options.spec.duration_ns = duration->count();
    options.spec.warmup_ns = warmup->count();
    options.spec.messages = words.messages;
    options.run_untraced = *tier == model::Tier::automatic;
    options.count = !words.no_counters;
    options.count_machine = !words.no_machine_counters;
    options.events = *events;
    options.profile_hz = words.profile_hz;
    return options;
}

Result<SweepPlan> interpret(const SweepWords& words) {
    const auto common = common_options(words);
    auto modes = parse_list<model::CopyMode>(words.modes, parse_mode);
    auto sizes = parse_list<std::uint64_t>(words.sizes, parse_message_size);
    auto paths = parse_list<model::Path>(words.paths, parse_own_path);
    if (const Error* error = first_error(common, modes, sizes, paths)) {
        return Unexpected(*error);
    }
    SweepPlan plan;
    plan.common = *common;
    plan.modes = std::move(*modes);
    plan.sizes_bytes = std::move(*sizes);
    plan.paths = std::move(*paths);
    plan.threads = words.threads;
    plan.repeat = words.repeat;
    plan.seed = words.seed ? *words.seed : std::random_device{}();
    return plan;
}

Result<int> run(const SweepWords& words) {
    const auto plan = interpret(words);
    if (!plan) {
        return Unexpected(plan.error());
    }
    return check_machine().and_then([&] { return claim_folder(words.folder); }).and_then([&] {
        return sweep(*plan, words.folder);
    });
}

void declare_experiments(CLI::App& cli, SweepWords& words) {
    cli.add_option("--modes", words.modes, "How the server sends")->delimiter(',')->capture_default_str();
    cli.add_option("--sizes", words.sizes, "Bytes of a message, 8 to 1G")->delimiter(',')->capture_default_str();
    cli.add_option("--threads", words.threads, "Connections, each with a thread at both ends")
        ->delimiter(',')
        ->check(CLI::Range(1U, workload::max_connections))
        ->capture_default_str();
    cli.add_option("--paths", words.paths, "What the traffic crosses: veth or lo")
        ->delimiter(',')
        ->capture_default_str();
    auto* duration = cli.add_option("--duration", words.duration, "How long to measure each")->capture_default_str();
    cli.add_option("--messages", words.messages, "Messages on each connection, instead of a time")
        ->check(CLI::Range(std::uint64_t{1}, workload::max_messages))
        ->excludes(duration);
    cli.add_option("--warmup", words.warmup, "How long to send before what is measured")->capture_default_str();
}

}  // namespace

Command declare_sweep(CLI::App& cli) {
    auto words = std::make_shared<SweepWords>();
    declare_experiments(cli, *words);
    cli.add_option("--repeat", words->repeat, "How often to run each experiment")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str();
    cli.add_option("--seed", words->seed, "Of the order, to run the same one again");
    cli.add_option("--tier", words->tier, "As for a run")->capture_default_str();
    auto* no_counters = cli.add_flag("--no-counters", words->no_counters, "Do not count perf events");
    cli.add_flag("--no-machine-counters", words->no_machine_counters, "As for a run");
    cli.add_option("--events", words->events, "As for a run")->excludes(no_counters);
    cli.add_option("--profile-hz", words->profile_hz, "Take a profile of each, of so many samples a second")
        ->check(CLI::Range(1U, perf::largest_profile_hz));
    cli.add_option("-o,--output", words->folder, "A new folder for the results")->required();
    return [words]() { return run(*words); };
}

}  // namespace netio::app
