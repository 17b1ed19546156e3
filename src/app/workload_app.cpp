// SPDX-License-Identifier: MIT
#include "app/workload_app.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "app/words.h"
#include "base/text.h"
#include "model/json.h"
#include "stats/histogram.h"
#include "stats/percentile.h"
#include "workload/interrupts.h"
#include "workload/line_channel.h"
#include "workload/options.h"
#include "workload/runner.h"

namespace netio::app {
namespace {

using workload::Endpoint;
using workload::LineChannel;

std::string figure_text(const model::Figure<double>& nanoseconds) {
    if (!nanoseconds.measured()) {
        return "n/a";
    }
    return format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds.value())));
}

void print_latency(const char* name, const model::WorkloadResult& result,
                   model::HistogramData model::ConnectionResult::*member) {
    std::vector<model::HistogramData> parts;
    for (const auto& connection : result.connections) {
        parts.push_back(connection.*member);
    }
    const model::Latency latency = stats::summarize(name, name, stats::merge(parts));
    if (latency.samples != 0) {
        fmt::print("{:<12} p50 {}  p90 {}  p99 {}  p99.9 {}\n", name, figure_text(latency.p50_ns),
                   figure_text(latency.p90_ns), figure_text(latency.p99_ns), figure_text(latency.p999_ns));
    }
}

model::ConnectionResult sum(const model::WorkloadResult& result) {
    model::ConnectionResult total;
    for (const auto& connection : result.connections) {
        total.messages += connection.messages;
        total.bytes += connection.bytes;
        total.calls += connection.calls;
        total.partial_calls += connection.partial_calls;
        total.enobufs += connection.enobufs;
        total.verified_bytes += connection.verified_bytes;
        total.corrupt_bytes += connection.corrupt_bytes;
        total.unread_completions += connection.unread_completions;
        total.error_queue.notifications += connection.error_queue.notifications;
        total.error_queue.calls_zerocopy += connection.error_queue.calls_zerocopy;
        total.error_queue.calls_copied += connection.error_queue.calls_copied;
    }
    return total;
}

void print_details(const model::WorkloadResult& result, const model::ConnectionResult& total) {
    if (total.partial_calls != 0 || total.enobufs != 0) {
        fmt::print("{:<12} {} took only a part, {} were refused with ENOBUFS\n", "send calls",
                   format_count(total.partial_calls), format_count(total.enobufs));
    }
    if (total.error_queue.notifications != 0 || total.unread_completions != 0) {
        fmt::print("{:<12} {} calls zero-copy, {} copied, {} unread; in {} notifications\n", "completions",
                   format_count(total.error_queue.calls_zerocopy), format_count(total.error_queue.calls_copied),
                   format_count(total.unread_completions), format_count(total.error_queue.notifications));
    }
    if (total.verified_bytes != 0) {
        fmt::print("{:<12} {} B, of which {} corrupt\n", "verified", format_count(total.verified_bytes),
                   format_count(total.corrupt_bytes));
    }
    print_latency("send()", result, &model::ConnectionResult::send_call_ns);
    print_latency("completion", result, &model::ConnectionResult::completion_ns);
    print_latency("delivery", result, &model::ConnectionResult::delivery_ns);
    if (!result.delivery_missing.empty()) {
        fmt::print("{:<12} n/a: {}\n", "delivery", result.delivery_missing);
    }
}

void print_result(const model::WorkloadResult& result) {
    const model::ConnectionResult total = sum(result);
    const double seconds = static_cast<double>(result.wall_ns) / 1e9;
    const std::string rate =
        seconds > 0 ? format_bit_rate(static_cast<double>(total.bytes) * 8 / seconds) : std::string("n/a");
    fmt::print("{:<12} {} messages, {} ({} B) on {} connection{} in {}: {}\n",
               result.role == model::Role::server ? "sent" : "received", format_count(total.messages),
               format_bytes(total.bytes), format_count(total.bytes), result.connections.size(),
               result.connections.size() == 1 ? "" : "s", format_duration(std::chrono::nanoseconds(result.wall_ns)),
               rate);
    fmt::print("{:<12} {}\n", "system calls", format_count(total.calls));
    print_details(result, total);
}

int finish(const ProgramOptions& options, const workload::RunOutcome& outcome) {
    const model::WorkloadResult& result = outcome.result;
    if (options.control_fd < 0) {
        if (options.json) {
            fmt::print("{}\n", model::to_json(result).dump(2));
        } else {
            print_result(result);
        }
        if (outcome.interrupted) {
            fmt::print(stderr, "{}: interrupted: the measured phase ended early\n", options.name);
        }
    }
    if (!result.failure.empty()) {
        fmt::print(stderr, "{}: {}\n", options.name, result.failure);
        return static_cast<int>(ExitCode::incomplete);
    }
    return static_cast<int>(ExitCode::ok);
}

int report(const ProgramOptions& options, LineChannel* control, const Error& error) {
    if (control != nullptr) {
        workload::report_error(*control, error);
    }
    return print_error(options.name, error);
}

// The word on the command line that no option or command takes; an option before a mere value.
std::string unknown_argument(const CLI::App& cli, int argc, char** argv) {
    const std::vector<std::string> unknown = cli.remaining(true);
    std::string first;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (std::find(unknown.begin(), unknown.end(), word) == unknown.end()) {
            continue;
        }
        if (word.starts_with("-")) {
            return word.substr(0, word.find('='));
        }
        first = first.empty() ? word : first;
    }
    return first;
}

// What the user most likely meant; empty where nothing is near.
std::string nearest_known(const CLI::App& cli, const std::string& word) {
    std::vector<std::string> known;
    const auto collect = [&known](const CLI::App& app) {
        for (const auto* option : app.get_options()) {
            known.push_back(option->get_name());
        }
    };
    collect(cli);
    for (const auto* subcommand : cli.get_subcommands([](const CLI::App*) { return true; })) {
        known.push_back(subcommand->get_name());
        collect(*subcommand);
    }
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    return nearest(word, candidates);
}

// CLI11 explains an error in one sentence that begins with the option ("--threads: Value 0 not in range 1 to 1024").
Error usage_error(const CLI::ParseError& error, const std::string& help) {
    const std::string text = error.what();
    const std::size_t colon = text.find(": ");
    const std::string option = text.substr(0, colon);
    switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
        case CLI::ExitCodes::ArgumentMismatch:
            return {option, "it needs a value", help, ExitCode::usage};
        case CLI::ExitCodes::RequiredError:
            return {"an argument is missing", text, help, ExitCode::usage};
        case CLI::ExitCodes::ExcludesError:
            return {"these options do not go together", text, "only one of them", ExitCode::usage};
        case CLI::ExitCodes::ValidationError:
            if (colon != std::string::npos) {
                return {option, text.substr(colon + 2), help, ExitCode::usage};
            }
            [[fallthrough]];
        default:
            return {"an option has a value it cannot take", text, help, ExitCode::usage};
    }
}

}  // namespace

std::optional<int> parse_arguments(CLI::App& cli, int argc, char** argv) {
    cli.set_version_flag("--version", NETIO_VERSION);
    try {
        cli.parse(argc, argv);
    } catch (const CLI::Success& wish) {
        return cli.exit(wish);  // --help, --version
    } catch (const CLI::ExtrasError&) {
        const std::string word = unknown_argument(cli, argc, argv);
        const std::string near = nearest_known(cli, word);
        const std::string why = word.starts_with("-") ? "there is no such option" : "there is no such command";
        return print_error(cli.get_name(),
                           {word, why, near.empty() ? cli.get_name() + " --help" : near, ExitCode::usage});
    } catch (const CLI::ParseError& error) {
        return print_error(cli.get_name(), usage_error(error, cli.get_name() + " --help"));
    }
    return std::nullopt;
}

Result<model::CopyMode> parse_mode(const std::string& text) {
    return parse_word("--mode", model::copy_mode_names, text);
}

Result<std::uint64_t> parse_message_size(const std::string& text) {
    auto size = parse_size(text);
    if (!size) {
        size.error().what = "--size " + text;
        return size;
    }
    if (*size < workload::min_message_bytes || *size > workload::max_message_bytes) {
        return fail("--size " + text, "a message is 8 bytes to 1 GiB", "--size 16K", ExitCode::usage);
    }
    return size;
}

Result<std::chrono::nanoseconds> parse_time(const std::string& option, const std::string& text) {
    auto time = parse_duration(text);
    if (!time) {
        time.error().what = option + " " + text;
    }
    return time;
}

int run_program(const ProgramOptions& options, const std::function<Result<std::unique_ptr<Endpoint>>()>& start) {
    std::optional<LineChannel> control;
    if (options.control_fd >= 0) {
        control.emplace(Fd(options.control_fd));
    }
    LineChannel* channel = control ? &*control : nullptr;
    auto interrupts = workload::Interrupts::block();
    if (!interrupts) {
        return report(options, channel, interrupts.error());
    }
    auto endpoint = start();
    if (!endpoint) {
        return report(options, channel, endpoint.error());
    }
    if (channel == nullptr) {
        options.on_start(**endpoint);
    }
    const auto outcome =
        workload::run(**endpoint, {channel, interrupts->fd(), [&interrupts] { interrupts->acknowledge(); }});
    if (!outcome) {
        return print_error(options.name, outcome.error());
    }
    return finish(options, *outcome);
}

int print_error(const std::string& name, const Error& error) {
    fmt::print(stderr, "{}: {}\n", name, describe(error));
    return static_cast<int>(error.code);
}

}  // namespace netio::app
