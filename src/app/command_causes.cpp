// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "app/commands.h"
#include "app/prove.h"
#include "app/words.h"
#include "explain/causes.h"
#include "report/page.h"

namespace netio::app {

namespace {

struct CausesWords {
    std::string id;
    bool markdown = false;
    bool prove = false;
    std::string tier = "auto";
    ProveOptions options;
};

std::string list() {
    std::string text;
    for (const auto& row : explain::causes()) {
        text += fmt::format("{:<30} {}  {}\n", row.id, row.group, row.title);
    }
    return text +
           "\n`netio-trace explain CAUSE` tells how one comes about, how it is known and what to do.\n"
           "`sudo netio-trace causes --prove` provokes them, and compares what is named.\n";
}

std::string page_of(const explain::Cause& row) {
    report::Page page{report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); })};
    page.text({fmt::format("{}: {} (class {})", row.id, row.title, row.group), report::Ink::plain, row.id});
    page.blank();
    page.section("Why", {{row.meaning}});
    page.section("Kernel", {{row.kernel}, {"Linux: " + row.versions}});
    page.section("Told", {{row.program_sees}});
    page.section("Evidence", {{row.evidence}});
    page.section("Try", {{row.remedy}});
    page.section("See it", {{row.provoke}});
    return page.result();
}

Result<int> print(const std::string& text) {
    auto written = put(standard_output, text);
    return written ? Result<int>(0) : Unexpected(written.error());
}

Result<int> print_cause(const std::string& id) {
    const auto found = explain::find_cause(id);
    return found ? print(page_of(**found)) : Unexpected(found.error());
}

Result<int> prove_all(const CausesWords& words) {
    const auto tier = parse_probing_tier(words.tier);
    if (!tier) {
        return Unexpected(tier.error());
    }
    ProveOptions options = words.options;
    options.tier = *tier;
    Outputs outputs;
    outputs.json = options.json;
    auto able = check_machine().and_then([&] { return check_outputs(outputs); });
    return able ? prove(options) : Unexpected(able.error());
}

Result<int> run(const CausesWords& words) {
    if (words.prove) {
        return prove_all(words);
    }
    if (words.markdown) {
        return print(explain::causes_page());
    }
    return words.id.empty() ? print(list()) : print_cause(words.id);
}

}  // namespace

Command declare_causes(CLI::App& cli) {
    auto words = std::make_shared<CausesWords>();
    cli.add_option("ID", words->id,
                   "A cause, as reports name it: the same as `explain ID`; without it: the list of all");
    cli.add_flag("--markdown", words->markdown, "The whole page docs/causes.md");
    auto* prove_flag =
        cli.add_flag("--prove", words->prove, "Provoke every cause that this kernel has, and compare what is named");
    cli.add_option("--only", words->options.only, "Scenarios to prove, instead of all")
        ->delimiter(',')
        ->needs(prove_flag);
    cli.add_option("--messages", words->options.messages, "Messages to send in each")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
        ->capture_default_str()
        ->needs(prove_flag);
    cli.add_option("--tier", words->tier, "Attach by fentry, kprobe or tracepoint only")
        ->capture_default_str()
        ->needs(prove_flag);
    declare_output(cli, "--json", words->options.json,
                   "Write what was provoked, named and predicted, and each run's report, as JSON to FILE; without FILE "
                   "to stdout, instead of the table")
        ->needs(prove_flag);
    return [words]() { return run(*words); };
}

Command declare_explain(CLI::App& cli) {
    auto id = std::make_shared<std::string>();
    cli.add_option("CAUSE", *id, "A cause, as reports name it; `netio-trace causes` lists them")->required();
    return [id]() { return print_cause(*id); };
}

}  // namespace netio::app
