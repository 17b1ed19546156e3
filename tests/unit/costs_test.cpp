// SPDX-License-Identifier: MIT
#include "explain/costs.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/text.h"
#include "profile_fixture.h"
#include "report/terminal.h"
#include "report_fixture.h"

namespace {

using namespace netio;

model::Report profiled() {
    model::Report report = test::zerocopy_over_veth();
    report.profile = test::lifelike_profile();
    return report;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("costs: an account has the cost of the class that is its work") {
    model::Report report = profiled();
    report.ledger.accounts.push_back(test::account("sent.copied", "program -> kernel", "copied", 1, 1, 0, ""));
    report.ledger.accounts.push_back(test::account("left.uncopied", "program -> kernel", "left", 1, 1, 0, ""));
    explain::add_costs(report);
    const auto& accounts = report.ledger.accounts;
    CHECK(accounts[0].cost_per_byte == doctest::Approx(0.216).epsilon(0.01));  // pinned
    CHECK(accounts[1].cost_per_byte == doctest::Approx(0.288).epsilon(0.01));  // late
    CHECK(accounts[2].cost_per_byte == doctest::Approx(0.432).epsilon(0.01));  // received
    CHECK(accounts[3].cost_per_byte == 0);  // samples were taken, and none fell there
    CHECK_FALSE(accounts[4].cost_per_byte.has_value());
}

TEST_CASE("costs: samples do not tell late copies of several causes apart") {
    model::Report report = profiled();
    report.ledger.accounts.push_back(test::account("late.packet-tap", "inside the kernel", "copied late", 1, 1, 0, ""));
    explain::add_costs(report);
    CHECK_FALSE(report.ledger.accounts[1].cost_per_byte.has_value());
    CHECK_FALSE(report.ledger.accounts[3].cost_per_byte.has_value());
    CHECK(report.ledger.accounts[2].cost_per_byte.has_value());
    CHECK(has(report::render_terminal(report, {200, false, true}), "where late copies of all causes are one row"));
}

TEST_CASE("costs: the sentence sums up as it is printed, and names the view") {
    CHECK(explain::cost_sentence(profiled()) ==
          "By samples of cpu-clock a payload byte cost 1.440 ns: 0.432 copy out of the kernel, 0.288 copy inside the "
          "kernel, 0.216 page pinning, 0.504 all else.");
}

TEST_CASE("costs: without a profile, or without payload, nothing is said") {
    model::Report report = test::zerocopy_over_veth();
    CHECK(explain::cost_sentence(report).empty());
    explain::add_costs(report);
    CHECK_FALSE(report.ledger.accounts[0].cost_per_byte.has_value());
    CHECK_FALSE(has(report::render_terminal(report, {80, false, true}), "ns/B  where"));
    report.profile = ledger::summarize_profile(test::profile_facts(), model::Figure<std::uint64_t>(0));
    CHECK(explain::cost_sentence(report).empty());
    explain::add_costs(report);
    CHECK_FALSE(report.ledger.accounts[0].cost_per_byte.has_value());
}
