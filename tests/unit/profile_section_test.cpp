// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/text.h"
#include "explain/costs.h"
#include "golden.h"
#include "profile_fixture.h"
#include "report/terminal.h"
#include "report_fixture.h"

namespace {

using namespace netio;
using ledger::summarize_profile;
using model::Figure;
using model::ProfileFacts;

}  // namespace

TEST_CASE("terminal: the profile at 80 and at 120 columns, and in ASCII") {
    model::Report report = test::zerocopy_over_veth();
    report.profile = test::lifelike_profile();
    explain::add_costs(report);
    report.verdict += " " + explain::cost_sentence(report);
    for (const unsigned columns : {80U, 120U}) {
        const std::string text = report::render_terminal(report, {columns, false, true});
        test::check_golden("profile." + std::to_string(columns) + ".txt", text);
        for (const std::string& line : split(text, '\n')) {
            CHECK(display_width(line) <= columns);
        }
    }
    const std::string ascii = report::render_terminal(report, {80, false, false});
    CHECK(ascii.find("+-") != std::string::npos);
    CHECK(std::ranges::none_of(ascii, [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; }));
}

TEST_CASE("terminal: a profile with everything amiss says each thing") {
    model::Report report = test::zerocopy_over_veth();
    ProfileFacts facts = test::profile_facts();
    facts.event = facts.unit = "cycles";
    facts.not_cycles.clear();
    facts.lost = 3;
    facts.throttled = 1;
    facts.counted = facts.weight * 2;
    facts.enabled_ns = 1000;
    facts.running_ns = 900;
    report.profile = summarize_profile(facts, Figure<std::uint64_t>(0));
    const std::string text = report::render_terminal(report, {200, false, true});
    for (const char* part : {"Where the cycles went", "cycles/B", "3 samples were lost", "throttled sampling 1 time",
                             "samples stand for 50.0 % of what cycles counted", "ran 90.0 % of the time",
                             "per byte n/a: no payload was sent"}) {
        CHECK_MESSAGE(text.find(part) != std::string::npos, part);
    }
    CHECK(text.find("time by a timer") == std::string::npos);
}
