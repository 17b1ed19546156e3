// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "app/commands.h"
#include "base/text.h"
#include "explain/causes.h"

namespace netio::app {

namespace {

void print_list() {
    for (const auto& row : explain::causes()) {
        fmt::print("{:<30} {}\n", row.id, row.title);
    }
}

}  // namespace

Command declare_causes(CLI::App& cli) {
    auto markdown = std::make_shared<bool>(false);
    cli.add_flag("--markdown", *markdown, "The whole page docs/causes.md");
    return [markdown]() -> Result<int> {
        if (*markdown) {
            fmt::print("{}", explain::causes_page());
        } else {
            print_list();
        }
        return 0;
    };
}

}  // namespace netio::app
