// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/commands.h"
#include "app/doctor_facts.h"
#include "app/progress.h"
#include "app/words.h"
#include "base/files.h"
#include "report/style.h"

namespace netio::app {

namespace {

constexpr const char* standard_output = "-";

struct DoctorWords {
    std::string tier = "auto";
    std::string json;  // a file; "-": stdout, in the text's place
};

Result<void> print(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        return fail("the findings cannot be written", "stdout does not take them");
    }
    return {};
}

Result<model::Tier> surveyed_tier(const std::string& word) {
    auto tier = parse_word("--tier", model::tier_names, word);
    if (tier && *tier == model::Tier::none) {
        return fail("--tier none", "there is nothing to look for without probes", "--tier auto", ExitCode::usage);
    }
    return tier;
}

Result<void> print_findings(const report::DoctorFacts& facts, const std::string& json) {
    if (json == standard_output) {
        return print(report::render_doctor_json(facts));
    }
    if (!json.empty()) {
        if (auto written = write_file(json, report::render_doctor_json(facts)); !written) {
            return written;
        }
    }
    const auto style = report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); });
    return print(report::render_doctor(facts, style));
}

Result<int> run(const DoctorWords& words) {
    const auto tier = surveyed_tier(words.tier);
    if (!tier) {
        return tl::make_unexpected(tier.error());
    }
    const report::DoctorFacts facts = collect_doctor_facts(*tier, terminal_progress());
    if (auto printed = print_findings(facts, words.json); !printed) {
        return tl::make_unexpected(printed.error());
    }
    return static_cast<int>(report::judge(facts).exit_code());
}

}  // namespace

Command declare_doctor(CLI::App& cli) {
    auto words = std::make_shared<DoctorWords>();
    cli.add_option("--tier", words->tier, "Try fentry, kprobe or tracepoint only")->capture_default_str();
    cli.add_option("--json", words->json,
                   "Write the findings as JSON to FILE; without FILE to stdout, instead of the text")
        ->expected(0, 1)
        ->default_str(standard_output)
        ->type_name("[FILE]");
    cli.footer("Changes nothing on the machine. Exit codes: 0 something can be traced; 2 bad usage; 3 nothing can be.");
    return [words] { return run(*words); };
}

}  // namespace netio::app
