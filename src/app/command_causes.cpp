// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/words.h"
#include "explain/causes.h"
#include "report/page.h"

namespace netio::app {

namespace {

std::string list() {
    std::string text;
    for (const auto& row : explain::causes()) {
        text += fmt::format("{:<30} {}\n", row.id, row.title);
    }
    return text + "\n`netio-trace causes ID` tells how one comes about, how it is known and what to do.\n";
}

std::string page_of(const explain::Cause& row) {
    report::Page page{report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); })};
    page.text({row.id + ": " + row.title, report::Ink::plain, row.id});
    page.blank();
    page.section("Why", {{row.meaning}});
    page.section("Kernel", {{row.kernel}});
    page.section("Told", {{row.program_sees}});
    page.section("Evidence", {{row.evidence}});
    page.section("Try", {{row.remedy}});
    page.section("See it", {{row.provoke}});
    return page.result();
}

Result<std::string> text_for(const std::string& id, bool markdown) {
    if (markdown) {
        return explain::causes_page();
    }
    if (id.empty()) {
        return list();
    }
    std::vector<std::string_view> known;
    for (const auto& row : explain::causes()) {
        known.emplace_back(row.id);
    }
    if (std::find(known.begin(), known.end(), id) == known.end()) {
        return Unexpected{unknown_word("causes", id, known)};
    }
    return page_of(explain::cause(id));
}

}  // namespace

Command declare_causes(CLI::App& cli) {
    auto id = std::make_shared<std::string>();
    auto markdown = std::make_shared<bool>(false);
    cli.add_option("ID", *id, "A cause, as reports name it; without it: the list of all");
    cli.add_flag("--markdown", *markdown, "The whole page docs/causes.md");
    return [id, markdown]() -> Result<int> {
        const auto text = text_for(*id, *markdown);
        if (!text) {
            return tl::make_unexpected(text.error());
        }
        if (auto written = put(standard_output, *text); !written) {
            return tl::make_unexpected(written.error());
        }
        return 0;
    };
}

}  // namespace netio::app
