// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "explain/rules.h"

namespace netio::explain {

// A row of docs/causes.json, which is built into the program: what a cause means and what helps.
struct Cause {
    std::string id;
    std::string group;  // class A to E of docs/causes.md
    std::string title;
    std::string meaning;
    std::string kernel;
    std::string versions;  // of Linux where it was provoked or read
    std::string program_sees;
    std::string evidence;
    std::string remedy;
    std::string provoke;
    std::vector<Rule> rules;  // of evidence; none: never concluded by itself
};

// The cause of that id as a user wrote it. Error: ExitCode::usage, with the nearest id.
Result<const Cause*> find_cause(std::string_view id);
// All causes, in the file's order.
const std::vector<Cause>& causes();
// The cause of that id. The id must be one of the file's (an invariant of the rules).
const Cause& cause(std::string_view id);
// The page docs/causes.md, generated from the rows.
std::string causes_page();

// Errors name the row and the key that is missing.
Result<std::vector<Cause>> parse_causes(std::string_view json_text);

}  // namespace netio::explain
