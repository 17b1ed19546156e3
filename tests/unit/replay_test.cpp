// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "base/files.h"
#include "explain/explain.h"
#include "golden.h"
#include "model/json.h"
#include "report/json.h"
#include "report/terminal.h"

// Runs of a real kernel, as `netio-trace --json FILE` wrote them, and what is concluded from them today. After a change
// of a sentence or of the layout, NETIO_UPDATE_GOLDEN=1 rewrites both files of each; the facts in them stay.

namespace {

using namespace netio;

constexpr const char* runs[] = {"zerocopy_veth", "zerocopy_remote",   "one_copy_veth", "two_copy_lo",
                                "packet_tap",    "no_scatter_gather", "not_opted_in"};

model::Json stored(const std::string& name) {
    const auto text = read_file(std::string(NETIO_SOURCE_ROOT) + "/tests/golden/replay/" + name + ".json");
    REQUIRE_MESSAGE(text.has_value(), name);
    auto json = model::parse_json(*text);
    REQUIRE_MESSAGE(json.has_value(), name);
    return *json;
}

model::Capture capture_of(const std::string& name, const model::Json& json) {
    const auto capture = model::capture_from_json(json.at("capture"));
    REQUIRE_MESSAGE(capture.has_value(), name << ": " << describe(capture.error()));
    return *capture;
}

}  // namespace

TEST_CASE("replay: a capture survives the way through the program and back") {
    for (const char* name : runs) {
        const model::Json json = stored(name);
        const model::Capture capture = capture_of(name, json);
        CHECK_MESSAGE(model::to_json(capture) == json.at("capture"), name);
        const std::string again = report::render_json(explain::build_report(capture), capture);
        const auto parsed = model::parse_json(again);
        REQUIRE_MESSAGE(parsed.has_value(), name);
        CHECK_MESSAGE(parsed->at("capture") == json.at("capture"), name);
        CHECK_MESSAGE(capture_of(name, *parsed) == capture, name);
    }
}

TEST_CASE("replay: the same capture gives the same report, on the terminal and as JSON") {
    for (const char* name : runs) {
        const model::Capture capture = capture_of(name, stored(name));
        const auto report = explain::build_report(capture);
        CHECK_MESSAGE(report.complete, name);
        CHECK_MESSAGE(report.ledger.unexplained_bytes == model::Figure<std::uint64_t>(0), name);
        const report::TerminalStyle style{80, false, true};
        test::check_golden(std::string("replay/") + name + ".txt", report::render_terminal(report, style));
        test::check_golden(std::string("replay/") + name + ".json", report::render_json(report, capture));
    }
}
