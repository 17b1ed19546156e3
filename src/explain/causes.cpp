// SPDX-License-Identifier: MIT
#include "explain/causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace netio::explain {

extern const std::string_view causes_json;  // generated from docs/causes.json

Result<std::vector<Cause>> parse_causes(std::string_view json_text) {
    const auto json = nlohmann::json::parse(json_text, nullptr, false);
    if (json.is_discarded() || !json.is_object() || !json.contains("causes") || !json["causes"].is_array()) {
        return fail("the table of causes cannot be read", "it is not an object with an array \"causes\"");
    }
    std::vector<Cause> rows;
    for (const auto& row : json["causes"]) {
        Cause cause;
        const std::pair<const char*, std::string*> fields[] = {
            {"id", &cause.id},
            {"class", &cause.group},
            {"title", &cause.title},
            {"meaning", &cause.meaning},
            {"kernel", &cause.kernel},
            {"program_sees", &cause.program_sees},
            {"evidence", &cause.evidence},
            {"remedy", &cause.remedy},
            {"provoke", &cause.provoke},
        };
        for (const auto& [key, field] : fields) {
            if (!row.contains(key) || !row[key].is_string()) {
                return fail(fmt::format("cause {} of the table has no text \"{}\"", rows.size() + 1, key));
            }
            *field = row[key].get<std::string>();
        }
        rows.push_back(std::move(cause));
    }
    return rows;
}

const std::vector<Cause>& causes() {
    static const std::vector<Cause> rows = [] {
        auto parsed = parse_causes(causes_json);
        if (!parsed) {
            throw std::logic_error(describe(parsed.error()));
        }
        return std::move(*parsed);
    }();
    return rows;
}

const Cause& cause(std::string_view id) {
    const auto& rows = causes();
    const auto found = std::find_if(rows.begin(), rows.end(), [id](const Cause& row) { return row.id == id; });
    if (found == rows.end()) {
        throw std::logic_error("no cause " + std::string(id));
    }
    return *found;
}

std::string causes_page() {
    std::string page =
        "# Why a zero-copy send was copied\n\n"
        "<!-- Generated from causes.json by `netio-trace causes --markdown`; a test compares them. -->\n\n"
        "Each cause below is concluded from evidence only: the call stack above the copying function, the device and\n"
        "its features, and the fields of the socket. `netio-trace` names them in its report by these ids.\n\n"
        "Class A is refused or ignored in the send call, class B copied during the call, class C copied later and\n"
        "flagged in the completion, class D copied while the program is told \"zero-copy\".\n";
    for (const Cause& row : causes()) {
        page += fmt::format(
            "\n## {}\n\n**{}** (class {}): {}.\n\n"
            "- In the kernel: {}\n- The program sees: {}\n- Evidence: {}\n- What to do: {}\n- To see it: {}\n",
            row.id, row.title, row.group, row.meaning, row.kernel, row.program_sees, row.evidence, row.remedy,
            row.provoke);
    }
    return page;
}

}  // namespace netio::explain
