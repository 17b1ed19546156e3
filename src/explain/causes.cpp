// SPDX-License-Identifier: MIT
#include "explain/causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/text.h"
#include "model/json.h"

namespace netio::explain {

extern const std::string_view causes_json;  // generated from docs/causes.json

Result<std::vector<Cause>> parse_causes(std::string_view json_text) {
    const auto json = model::Json::parse(json_text, nullptr, false);
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
            {"versions", &cause.versions},
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
        for (const auto& rule : row.value("rules", model::Json::array())) {
            auto parsed = parse_rule(rule);
            if (!parsed) {
                return fail(fmt::format("cause {} of the table: {}", cause.id, parsed.error().what));
            }
            cause.rules.push_back(std::move(*parsed));
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

Result<const Cause*> find_cause(std::string_view id) {
    std::vector<std::string_view> words;
    for (const Cause& row : causes()) {
        if (row.id == id) {
            return &row;
        }
        words.push_back(row.id);
    }
    const std::string near = nearest(std::string(id), words);
    return fail(fmt::format("cause {}", id), "there is no such cause; `netio-trace causes` lists them",
                "netio-trace explain " + (near.empty() ? causes().front().id : near), ExitCode::usage);
}

namespace {

struct Class {
    std::string_view letter;
    std::string_view title;
    std::string_view text;
};
constexpr std::array<Class, 5> classes{{
    {"A", "Refused or ignored in the call",
     "No page is pinned. The call fails, or takes the bytes as any send does. Check the results of setsockopt and "
     "send,\n"
     "and count your completions: a program that gets none is in this class."},
    {"B", "Copied during the call",
     "The kernel took the flag seriously, numbered the call, and copied all the same, because the route cannot carry\n"
     "pages. A completion comes, and it says \"copied\"."},
    {"C", "Copied later, and flagged",
     "The pages were pinned, and something on the packet's way needed bytes of its own. The completion says "
     "\"copied\",\n"
     "whatever the reason: only the call stack above the copy tells one from the other. Note that a tap or a time "
     "stamp\n"
     "copies a *clone*: the completion says \"copied\", and the wire still got the user's pages."},
    {"D", "Copied, and the program is told \"zero-copy\"",
     "The copy is made by a function that builds new packets and frees the old one as if it had been sent. No program\n"
     "can notice; a tracer can."},
    {"-", "Not known", "What no rule knows is never guessed at."},
}};

std::string row_of_page(const Cause& row) {
    return fmt::format(
        "\n### {}\n\n**{}**: {}.\n\n- In the kernel: {}\n- Linux: {}\n- The program sees: {}\n- Evidence: {}\n"
        "- What to do: {}\n- To see it: {}\n",
        row.id, row.title, row.meaning, row.kernel, row.versions, row.program_sees, row.evidence, row.remedy,
        row.provoke);
}

constexpr std::string_view introduction =
    "# Why a zero-copy send was copied\n\n"
    "<!-- Generated from causes.json by `netio-trace causes --markdown`; a test compares them. -->\n\n"
    "`MSG_ZEROCOPY` is a wish. The kernel pins the pages of a send instead of copying them, and from then on every\n"
    "function on the packet's way may still decide that it needs the bytes for itself: because the program could "
    "change\n"
    "them under its hands, because a device takes them in one piece only, or because they are about to be given to\n"
    "somebody else. This page lists who does that, how it is recognised, and what helps.\n\n"
    "Three things are worth knowing before the list:\n\n"
    "1. **The completion is not the truth.** Its flag says \"copied\" when only a clone was copied, and says nothing "
    "when\n"
    "   the copy was made by a function that clears no flag (class D). The kernel merges completions\n"
    "   that wait to be read, and keeps the flag of the first one only: `--provoke merged-completions`.\n"
    "2. **The cause is the caller.** Nearly all flagged copies are made by two functions, skb_copy_ubufs and\n"
    "   __pskb_pull_tail. What called them is the cause, so the evidence is a call stack.\n"
    "3. **Two ends on one machine always copy.** A receiving socket may not hold the sender's pages. To see what your\n"
    "   network does, measure between two machines; to see what a cause does, provoke it:\n"
    "   `sudo netio-trace --provoke packet-tap`, and `sudo netio-trace causes --prove` for all of them.\n\n"
    "Each cause is concluded from evidence only, and named in the report by the id below. `netio-trace explain CAUSE`\n"
    "prints one of them.\n";

}  // namespace

std::string causes_page() {
    std::string page(introduction);
    for (const Class& group : classes) {
        page += fmt::format("\n## Class {}: {}\n\n{}\n", group.letter, group.title, group.text);
        for (const Cause& row : causes()) {
            page += row.group == group.letter ? row_of_page(row) : "";
        }
    }
    page +=
        "\n## Class E: looks like a copy, and is none\n\n"
        "Segmentation by the kernel instead of the NIC, retransmission, mirroring, a bridge, a tunnel over a device "
        "that\n"
        "takes tunnelled packets, messages of many pages, small messages: packets are cut, cloned or wrapped, and the\n"
        "pages are referred to, not copied. `netio-trace causes --prove` provokes these as well, and shows that "
        "nothing\n"
        "but the delivery on this machine copies.\n";
    return page;
}

}  // namespace netio::explain
