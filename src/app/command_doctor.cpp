// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdlib>

#include "app/commands.h"
#include "app/doctor_facts.h"
#include "app/progress.h"
#include "app/words.h"
#include "report/style.h"

namespace netio::app {

namespace {

struct DoctorWords {
    std::string tier = "auto";
    std::string json;  // a file; "-": stdout, in the text's place
};

Result<void> print_findings(const report::DoctorFacts& facts, const std::string& json) {
    if (!json.empty()) {
        if (auto written = put(json, report::render_doctor_json(facts)); !written || json == standard_output) {
            return written;
        }
    }
    const auto style = report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); });
    return put(standard_output, report::render_doctor(facts, style));
}

Result<int> run(const DoctorWords& words) {
    const auto tier = parse_probing_tier(words.tier);
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
    declare_output(cli, "--json", words->json,
                   "Write the findings as JSON to FILE; without FILE to stdout, instead of the text");
    cli.footer("Changes nothing on the machine. Exit codes: 0 something can be traced; 2 bad usage; 3 nothing can be.");
    return [words] { return run(*words); };
}

}  // namespace netio::app
