// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "app/commands.h"
#include "app/doctor_facts.h"
#include "app/progress.h"
#include "app/words.h"
#include "kernel/parse.h"
#include "predict/page.h"
#include "predict/survey.h"
#include "report/style.h"

namespace netio::app {

namespace {

struct DoctorWords {
    std::string tier = "auto";
    std::string json;  // a file; "-": stdout, in the text's place
    std::string to;
    std::string netns;
    const CLI::Option* to_option = nullptr;
    const CLI::Option* netns_option = nullptr;
};

using Render = std::function<std::string(const report::TerminalStyle&)>;

Result<void> print_findings(const std::string& json, const std::function<std::string()>& as_json, const Render& text) {
    if (!json.empty()) {
        if (auto written = put(json, as_json()); !written || json == standard_output) {
            return written;
        }
    }
    return put(standard_output,
               text(report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); })));
}

Result<predict::Sender> find_sender(const DoctorWords& words) {
    const std::string& word = words.netns;
    auto ns =
        words.netns_option->count() == 0 ? netns::Namespace::of_process(::getpid()) : predict::find_namespace(word);
    if (!ns) {
        return Unexpected(ns.error());
    }
    return predict::Sender{std::move(*ns), kernel::parse_number<pid_t>(word).value_or(0)};
}

// What will become of a send, before one is made.
Result<int> foretell(const DoctorWords& words) {
    auto target = predict::parse_target(words.to);
    auto sender = target ? find_sender(words) : Unexpected(target.error());
    auto facts = sender ? predict::survey(std::move(*sender), *target) : Unexpected(sender.error());
    if (!facts) {
        return Unexpected(facts.error());
    }
    const predict::Prediction prediction = predict::predict(*facts);
    auto printed = print_findings(
        words.json, [&] { return predict::render_json(*facts, prediction); },
        [&](const report::TerminalStyle& style) { return predict::render(*facts, prediction, style); });
    return printed ? Result<int>(0) : Unexpected(printed.error());
}

Result<int> run(const DoctorWords& words) {
    if (words.to_option->count() != 0) {
        return foretell(words);
    }
    const auto tier = parse_probing_tier(words.tier);
    if (!tier) {
        return tl::make_unexpected(tier.error());
    }
    const report::DoctorFacts facts = collect_doctor_facts(*tier, terminal_progress());
    auto printed = print_findings(
        words.json, [&] { return report::render_doctor_json(facts); },
        [&](const report::TerminalStyle& style) { return report::render_doctor(facts, style); });
    if (!printed) {
        return tl::make_unexpected(printed.error());
    }
    return static_cast<int>(report::judge(facts).exit_code());
}

}  // namespace

Command declare_doctor(CLI::App& cli) {
    auto words = std::make_shared<DoctorWords>();
    auto* tier = cli.add_option("--tier", words->tier, "Try fentry, kprobe or tracepoint only")->capture_default_str();
    auto* to =
        cli.add_option("--to", words->to,
                       "ADDRESS or ADDRESS:PORT: what will become of a MSG_ZEROCOPY send to it, before one is made");
    to->excludes(tier);
    words->to_option = to;
    words->netns_option =
        cli.add_option("--netns", words->netns,
                       "With --to: send from this network namespace, a file of /run/netns or the number of a process")
            ->needs(to);
    declare_output(cli, "--json", words->json,
                   "Write the findings as JSON to FILE; without FILE to stdout, instead of the text");
    cli.footer(
        "Changes nothing on the machine. Exit codes: 0 something can be traced, or the way was predicted; 2 bad "
        "usage, no route;\n3 nothing can be traced, or the namespace may not be entered.");
    return [words] { return run(*words); };
}

}  // namespace netio::app
