// SPDX-License-Identifier: MIT
#include "explain/comparison.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/text.h"
#include "comparison_fixture.h"
#include "model/json.h"
#include "report/comparison.h"

namespace {

using namespace netio;
using explain::Round;
using model::CopyMode;
using test::compared_run;
using test::eight_rounds;

const model::ComparedStage& stage_named(const model::Comparison& comparison, const std::string& name) {
    for (const auto& stage : comparison.stages) {
        if (stage.name == name) {
            return stage;
        }
    }
    FAIL("no stage " << name);
    return comparison.total;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// What zero-copy over veth looks like: the copy is saved where it was to be, and made again inside the kernel.
std::vector<Round> copied_late() {
    std::vector<Round> rounds;
    for (int i = 0; i < 6; ++i) {
        const double drift = 0.002 * i;
        rounds.push_back(
            {compared_run(CopyMode::one_copy, 10,
                          {{"program", 0.07}, {"copy-in", 0.36 + drift}, {"copy-late", 0}, {"page-pinning", 0}}),
             compared_run(CopyMode::zerocopy, 6,
                          {{"program", 0.08 + drift}, {"copy-in", 0}, {"copy-late", 0.34}, {"page-pinning", 0.21}})});
    }
    return rounds;
}

}  // namespace

TEST_CASE("comparison: differences are taken round by round, so that drift falls out") {
    const auto comparison = explain::compare(eight_rounds());
    const auto copying = stage_named(comparison, "copy-in");
    CHECK(copying.difference.value().low == doctest::Approx(-0.2));
    CHECK(copying.difference.value().high == doctest::Approx(-0.2));
    CHECK(copying.per_byte[0].value().low == doctest::Approx(0.4));
    CHECK(copying.per_byte[0].value().high == doctest::Approx(0.47));
    CHECK(comparison.speed_ratio.value().median == doctest::Approx(0.8));
    CHECK(comparison.total.difference.value().median == doctest::Approx(0.3));
    CHECK(comparison.rounds == 8);
}

TEST_CASE("comparison: what moves payload and all else are the whole") {
    const auto comparison = explain::compare(copied_late());
    // Copying: 0.34 - (0.36 + drift), drift 0 to 0.01; all else: 0.21 + 0.01 + drift.
    CHECK(comparison.copying.difference.value().median == doctest::Approx(-0.025));
    CHECK(comparison.copying.difference.value().low == doctest::Approx(-0.03));
    CHECK(comparison.overhead.difference.value().median == doctest::Approx(0.225));
    CHECK(comparison.total.difference.value().median == doctest::Approx(0.2));
}

TEST_CASE("comparison: the sum that is written out is right on paper, and holds no difference of chance") {
    for (const auto& rounds : {eight_rounds(), copied_late()}) {
        const auto comparison = explain::compare(rounds);
        REQUIRE(comparison.sum.size() >= 3);
        CHECK(comparison.sum.back().name == "difference");
        CHECK(comparison.sum[comparison.sum.size() - 2].name == "rest");
        long sum = 0;  // in thousandths, as they are printed
        for (std::size_t i = 0; i + 1 < comparison.sum.size(); ++i) {
            sum += std::lround(comparison.sum[i].per_byte * 1000);
        }
        CHECK(sum == std::lround(comparison.sum.back().per_byte * 1000));
    }
    const auto comparison = explain::compare(eight_rounds());
    CHECK(comparison.sum.size() == 4);
    CHECK(comparison.sum[0] == model::Term{"page-pinning", 0.5});
    CHECK(comparison.sum[1] == model::Term{"copy-in", -0.2});
    CHECK(comparison.sum[2] == model::Term{"rest", 0});
    CHECK(comparison.sum[3] == model::Term{"difference", 0.3});
}

TEST_CASE("comparison: a sum names what is zero-copy's own, however small, and of the rest the dearest") {
    std::vector<Round> rounds;
    for (int i = 0; i < 6; ++i) {
        rounds.push_back({compared_run(CopyMode::one_copy, 10,
                                       {{"copy-in", 0.02},
                                        {"completion-notification", 0},
                                        {"memory", 0},
                                        {"tcp-ip", 0},
                                        {"device-softirq", 0},
                                        {"scheduling", 0},
                                        {"locks", 0}}),
                          compared_run(CopyMode::zerocopy, 10,
                                       {{"copy-in", 0.01},
                                        {"completion-notification", 0.01},
                                        {"memory", 0.1},
                                        {"tcp-ip", 0.2},
                                        {"device-softirq", 0.3},
                                        {"scheduling", 0.4},
                                        {"locks", 0}})});
    }
    const auto comparison = explain::compare(rounds);
    CHECK(comparison.sum == std::vector<model::Term>{{"scheduling", 0.4},
                                                     {"device-softirq", 0.3},
                                                     {"tcp-ip", 0.2},
                                                     {"completion-notification", 0.01},
                                                     {"copy-in", -0.01},
                                                     {"rest", 0.1},
                                                     {"difference", 1.0}});
    CHECK(has(comparison.verdict, "It saved 0.010 ns/B of copying, and paid 1.010 for all else."));
}

TEST_CASE("comparison: the verdict is the ratio, its sum and its view, then what was saved and paid") {
    const std::string verdict = explain::compare(copied_late()).verdict;
    CHECK(
        verdict ==
        "zerocopy cost 1.46 times (1.45 to 1.47) as much processor time per byte as one-copy: 0.340 copy-late + 0.210 "
        "page-pinning + 0.015 program - 0.365 copy-in + 0.000 rest = 0.200 ns/B (sampled profile: time by cpu-clock). "
        "It saved 0.365 ns/B of copying into the kernel, but paid 0.340 for copying inside it, and paid 0.225 for all "
        "else. "
        "zerocopy sent 0.60 times (0.60 to 0.60) as fast as one-copy.");
}

TEST_CASE("comparison: the view of hardware cycles is named as such") {
    auto rounds = copied_late();
    for (auto& round : rounds) {
        for (auto& report : round) {
            report.profile->unit = report.profile->event = "cycles";
        }
    }
    const std::string verdict = explain::compare(rounds).verdict;
    CHECK(has(verdict, "as much cycles per byte") == false);
    CHECK(has(verdict, "as many cycles per byte"));
    CHECK(has(verdict, "cycles/B (sampled profile: cycles by cycles)") == false);
    CHECK(has(verdict, "(sampled profile: hardware cycles)"));
}

TEST_CASE("comparison: where the interval holds 1, no difference is shown") {
    auto rounds = eight_rounds();
    for (std::size_t i = 0; i < rounds.size(); ++i) {
        rounds[i][1].throughput_bits_per_second = i % 2 == 0 ? 9e9 : 11e9;
        rounds[i][1].profile->total.per_byte = i % 2 == 0 ? 0.4 : 0.7;
    }
    const auto comparison = explain::compare(rounds);
    CHECK(has(comparison.verdict, "No difference in cost is shown"));
    CHECK(has(comparison.verdict, "No difference in throughput is shown"));
    CHECK(has(comparison.verdict, "zerocopy cost") == false);
}

TEST_CASE("comparison: the same mode against itself shows no difference") {
    std::vector<Round> rounds;
    for (int i = 0; i < 8; ++i) {
        const double noise = i % 2 == 0 ? 0.01 : -0.01;
        rounds.push_back({compared_run(CopyMode::one_copy, 10 + noise, {{"program", 0.1}, {"copy-in", 0.3}}),
                          compared_run(CopyMode::zerocopy, 10, {{"program", 0.1}, {"copy-in", 0.3 + noise}})});
    }
    const auto comparison = explain::compare(rounds);
    CHECK(has(comparison.verdict, "No difference in cost is shown"));
    CHECK(has(comparison.verdict, "It saved no copying that shows, and all else cost as much as far as is shown."));
    CHECK(comparison.sum.size() == 2);  // rest and difference
}

TEST_CASE("comparison: what was not measured is said, not made up") {
    auto few = eight_rounds();
    few.resize(5);
    const auto short_one = explain::compare(few);
    CHECK_FALSE(short_one.cost_ratio.measured());
    CHECK(short_one.sum.empty());
    CHECK(has(short_one.verdict, "What a byte cost cannot be said: an interval needs 6 runs, there are 5."));
    auto blind = eight_rounds();
    blind[4][0].profile.reset();
    const auto without = explain::compare(blind);
    CHECK_FALSE(without.cost_ratio.measured());
    CHECK(without.speed_ratio.measured());
    CHECK(has(without.verdict, "no profile was taken"));
    auto incomplete = eight_rounds();
    incomplete[2][1].complete = false;
    CHECK(explain::compare(incomplete).incomplete == 1);
}

TEST_CASE("comparison: counters are another view of the same costs, and whether it agrees is said") {
    auto rounds = eight_rounds();  // sampled: 0.8 + noise against 0.5 + drift
    for (auto& round : rounds) {
        for (std::size_t mode = 0; mode < 2; ++mode) {
            for (const auto role : {model::Role::server, model::Role::client}) {
                model::CounterRow row;
                row.role = role;
                row.event = "task-clock";
                row.per_byte = mode == 0 ? 0.25 : 0.5;
                round[mode].counters.push_back(row);
            }
        }
    }
    auto all = explain::compare_sizes({rounds});
    CHECK(all.sizes[0].counted_ratio.value().median == 2);
    CHECK(all.other_view ==
          "the other view, task-clock counted for server and client alone: 2.00 times (2.00 to 2.00); they differ, for "
          "only samples see network code elsewhere");
    for (auto& round : rounds) {
        round[1].counters[0].per_byte = 0.28;
    }
    CHECK(explain::compare_sizes({rounds}).other_view.ends_with("1.56 times (1.56 to 1.56); it agrees"));
    rounds[3][0].counters.clear();
    CHECK(explain::compare_sizes({rounds}).other_view.empty());
}

TEST_CASE("comparison: the text fits its page, with the intervals of each mode where there is room") {
    const auto comparison = explain::compare_sizes({eight_rounds()});
    for (const unsigned columns : {60U, 80U, 120U}) {
        CAPTURE(columns);
        const std::string text = report::render_comparison(comparison, {columns, false, true});
        for (const std::string& line : split(text, '\n')) {
            CHECK_MESSAGE(display_width(line) <= columns, line);
        }
        CHECK(has(text, "page-pinning"));
        CHECK(has(text, "+0.500"));
        CHECK(has(text, "0.500 to 0.500") == (columns > 60));  // of the difference
        CHECK(has(text, "0.400 to 0.470") == (columns == 120));
    }
}

TEST_CASE("comparison: four modes fit as well, as far as there is room") {
    std::vector<Round> rounds = eight_rounds();
    for (Round& round : rounds) {
        round.insert(round.begin() + 1,
                     compared_run(CopyMode::per_field, 3, {{"program", 0.7}, {"copy-in", 0.4}, {"page-pinning", 0}}));
        round.insert(round.begin() + 1,
                     compared_run(CopyMode::two_copy, 3, {{"program", 0.9}, {"copy-in", 0.4}, {"page-pinning", 0}}));
    }
    const auto comparison = explain::compare_sizes({rounds});
    CHECK(comparison.sizes[0].cost_ratio == explain::compare(eight_rounds()).cost_ratio);  // the last against the first
    for (const unsigned columns : {60U, 80U, 120U, 200U}) {
        CAPTURE(columns);
        const std::string text = report::render_comparison(comparison, {columns, false, true});
        for (const std::string& line : split(text, '\n')) {
            CHECK_MESSAGE(display_width(line) <= columns, line);
        }
        CHECK(has(text, "0.900") == (columns > 60));
    }
}

TEST_CASE("comparison: a page without costs says why") {
    auto rounds = eight_rounds();
    for (Round& round : rounds) {
        for (auto& report : round) {
            report.profile.reset();
        }
    }
    const std::string text = report::render_comparison(explain::compare_sizes({rounds}), {80, false, true});
    CHECK(has(text, "costs n/a: no profile was taken"));
    CHECK(has(text, "How fast"));
    CHECK(has(text, "Where the") == false);
}

TEST_CASE("comparison: JSON has the medians, their intervals and the sum") {
    const auto json = model::to_json(explain::compare_sizes({eight_rounds()}));
    const auto& size = json.at("sizes").at(0);
    CHECK(json.at("schema_version") == 1);
    CHECK(size.at("modes").at(1).at("mode") == "zerocopy");
    CHECK(size.at("speed_ratio").at("runs") == 8);
    CHECK(size.at("sum").at(0).at("name") == "page-pinning");
    CHECK(size.at("stages").at(2).at("per_byte").at(1).at("median") == 0.5);
    CHECK(json.at("verdict") == size.at("verdict"));
}
