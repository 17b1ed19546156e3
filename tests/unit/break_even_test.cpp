// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "comparison_fixture.h"
#include "explain/comparison.h"
#include "model/json.h"
#include "report/comparison.h"
#include "stats/line.h"

namespace {

using namespace netio;
using explain::Round;
using model::CopyMode;
using test::compared_run;

// What zero-copy and one-copy cost by a law that the test knows.
struct Law {
    double copy_per_byte = 0.3;          // one-copy's copy into the kernel
    double late_per_byte = 0;            // zero-copy's copy after all
    double pinning_per_byte = 0.1;       // zero-copy's
    double notification_per_send = 800;  // zero-copy's
};

// Six rounds with a drift that both modes share.
std::vector<Round> rounds_at(std::uint64_t size, const Law& law) {
    std::vector<Round> rounds;
    const double bytes = static_cast<double>(size);
    for (int i = 0; i < 6; ++i) {
        const double drift = 0.01 * i;
        rounds.push_back({compared_run(CopyMode::one_copy, 10,
                                       {{"copy-in", law.copy_per_byte},
                                        {"copy-late", 0},
                                        {"page-pinning", 0},
                                        {"completion-notification", 0},
                                        {"tcp-ip", 1 + drift}},
                                       size),
                          compared_run(CopyMode::zerocopy, 10,
                                       {{"copy-in", 0},
                                        {"copy-late", law.late_per_byte},
                                        {"page-pinning", law.pinning_per_byte},
                                        {"completion-notification", law.notification_per_send / bytes},
                                        {"tcp-ip", 1 + drift}},
                                       size)});
    }
    return rounds;
}

model::SizeComparison compare_at(const std::vector<std::uint64_t>& sizes, const Law& law) {
    std::vector<std::vector<Round>> all;
    for (const std::uint64_t size : sizes) {
        all.push_back(rounds_at(size, law));
    }
    return explain::compare_sizes(all);
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string statement(const model::SizeComparison& all, const std::string& about) {
    for (const auto& said : all.statements) {
        if (said.about == about) {
            return said.text;
        }
    }
    return {};
}

}  // namespace

TEST_CASE("line: what is paid by the message and what by the byte") {
    const std::array<stats::CostPoint, 2> two{{{1000, 1.5}, {4000, 0.75}}};  // 1000 / size + 0.5
    const auto exact = stats::fit_cost_line(two);
    CHECK(exact.fixed == doctest::Approx(1000));
    CHECK(exact.per_byte == doctest::Approx(0.5));
    // 1/size is 1, 2, 3 thousandths: y = 1, 1, 4 has the slope (4 - 1) / 2 = 1.5 a thousandth, and 2 - 1.5 * 2 left.
    const std::array<stats::CostPoint, 3> three{{{1000, 1}, {500, 1}, {1000.0 / 3, 4}}};
    const auto least_squares = stats::fit_cost_line(three);
    CHECK(least_squares.fixed == doctest::Approx(1500));
    CHECK(least_squares.per_byte == doctest::Approx(-1));
    const std::array<stats::CostPoint, 2> same{{{1000, 1}, {1000, 2}}};
    CHECK_THROWS_AS((void)stats::fit_cost_line(same), std::invalid_argument);
}

TEST_CASE("line: from which size on it is below 0") {
    CHECK(stats::size_below_zero({800, -0.2}) == doctest::Approx(4000));
    CHECK(stats::size_below_zero({-800, -0.2}) == 0);
    CHECK(stats::size_below_zero({0, -0.2}) == 0);
    CHECK(std::isinf(stats::size_below_zero({800, 0.2})));
    CHECK(std::isinf(stats::size_below_zero({800, 0})));
    CHECK(std::isinf(stats::size_below_zero({-800, 0.2})));  // below 4000 alone
}

TEST_CASE("break-even: measured between two sizes and predicted from the costs, the two agree") {
    // 800 ns a send against 0.2 ns a byte: 4000 bytes.
    const auto all = compare_at({1024, 2048, 8192, 16384}, {});
    CHECK(all.why_none.empty());
    CHECK(all.prediction.fitted);
    CHECK(all.prediction.fixed_per_send.value().median == doctest::Approx(800));
    CHECK(all.prediction.per_byte.value().median == doctest::Approx(0.1));
    CHECK(all.prediction.copied_per_byte.value().median == doctest::Approx(-0.3));
    CHECK(all.prediction.copy_per_byte.value().median == doctest::Approx(0.3));
    CHECK(all.prediction.as_copied.bytes.value() == doctest::Approx(4000));
    CHECK(all.prediction.as_copied.low.value() == doctest::Approx(4000));
    CHECK(all.measured.bytes.value() == doctest::Approx(4000));
    CHECK(statement(all, "measured") == "about 4.00 kB (4.00 kB to 4.00 kB): zerocopy cost less beyond it");
    CHECK(statement(all, "from the costs")
              .starts_with("about 4.00 kB (4.00 kB to 4.00 kB), with 800 ns more a send, "
                           "0.200 ns less a byte"));
    CHECK(statement(all, "without late copies").empty());
}

TEST_CASE("break-even: none where a byte costs more, however large the message") {
    Law law;
    law.late_per_byte = 0.3;
    const auto all = compare_at({4096, 16384, 65536}, law);
    CHECK_FALSE(all.measured.bytes.measured());
    CHECK_FALSE(all.prediction.as_copied.bytes.measured());
    CHECK(statement(all, "measured") == "none from 4 096 B to 65 536 B: zerocopy cost no less at the largest");
    CHECK(statement(all, "from the costs") ==
          "none, with 800 ns more a send, 0.100 ns more a byte; that agrees with what was measured");
    // Had the copy been saved: 800 ns a send, 0.1 a byte, against 0.3.
    CHECK(all.prediction.if_saved.bytes.value() == doctest::Approx(4000));
    CHECK(statement(all, "without late copies") ==
          "about 4.00 kB (4.00 kB to 4.00 kB), with 800 ns more a send, 0.100 ns more a byte, against 0.300 ns a byte "
          "for the copy into the kernel");
    CHECK(has(all.verdict, "Break-even: none from 4 096 B to 65 536 B"));
    CHECK(model::to_json(all)["measured"]["bytes"]["missing"] == "at no size");
}

TEST_CASE("break-even: every size pays") {
    Law law;
    law.notification_per_send = 0;
    const auto all = compare_at({4096, 16384}, law);
    CHECK(all.measured.bytes.value() == 0);
    CHECK(all.prediction.as_copied.bytes.value() == 0);
    CHECK(statement(all, "measured") == "below 4 096 B: zerocopy cost less at every size");
    CHECK(statement(all, "from the costs").starts_with("every size pays"));
}

TEST_CASE("break-even: beyond the sizes that were sent, none measured and one predicted agree") {
    Law law;
    law.notification_per_send = 40'000;  // 200 000 bytes
    const auto all = compare_at({4096, 16384, 65536}, law);
    CHECK_FALSE(all.measured.bytes.measured());
    CHECK(all.prediction.as_copied.bytes.value() == doctest::Approx(200'000));
    CHECK(has(statement(all, "from the costs"), "that agrees with what was measured"));
}

TEST_CASE("break-even: a prediction that the measurement contradicts is called that") {
    // The costs fall below those of one-copy at the smallest size and rise above them at the largest, against any law
    // of a fixed cost and one a byte in which larger messages pay.
    std::vector<std::vector<Round>> sizes;
    const std::array<std::pair<std::uint64_t, double>, 3> costs{{{4096, 1.5}, {16384, 0.9}, {65536, 1.05}}};
    for (const auto& [size, cost] : costs) {
        std::vector<Round> rounds;
        for (int i = 0; i < 6; ++i) {
            rounds.push_back({compared_run(CopyMode::one_copy, 10, {{"program", 1}}, size),
                              compared_run(CopyMode::zerocopy, 10, {{"program", cost}}, size)});
        }
        sizes.push_back(rounds);
    }
    const auto all = explain::compare_sizes(sizes);
    CHECK_FALSE(all.measured.bytes.measured());
    REQUIRE(all.prediction.as_copied.bytes.measured());
    CHECK(all.prediction.as_copied.high.value() < 65536);
    CHECK(has(statement(all, "from the costs"), "that is not what was measured"));
}

TEST_CASE("break-even: none in most rounds is said with where the interval begins") {
    // Two rounds of six have a break-even at 4000 bytes, the others none at all: the interval begins there.
    Law pays;
    Law never;
    never.late_per_byte = 0.3;
    std::vector<std::vector<Round>> sizes{rounds_at(2048, never), rounds_at(16384, never)};
    for (const std::size_t round : {1U, 4U}) {
        sizes[0][round] = rounds_at(2048, pays)[round];
        sizes[1][round] = rounds_at(16384, pays)[round];
    }
    const auto all = explain::compare_sizes(sizes);
    CHECK_FALSE(all.prediction.as_copied.bytes.measured());
    CHECK(all.prediction.as_copied.low.value() == doctest::Approx(4000));
    CHECK_FALSE(all.prediction.as_copied.high.measured());
    CHECK(statement(all, "from the costs").starts_with("none in most rounds (the interval begins at 4.00 kB), with "));
    CHECK(has(statement(all, "measured"), "none from 2 048 B to 16 384 B"));
    CHECK(has(statement(all, "measured"), "in most rounds (the interval begins at 4.00 kB)"));
}

TEST_CASE("break-even: an interval from any size to none says that nothing is known") {
    Law pays;
    pays.notification_per_send = 0;
    Law never;
    never.late_per_byte = 0.3;
    std::vector<std::vector<Round>> none{rounds_at(2048, never), rounds_at(16384, never)};
    std::vector<std::vector<Round>> every{rounds_at(2048, pays), rounds_at(16384, pays)};
    for (std::size_t size = 0; size < 2; ++size) {
        std::swap(none[size][2], every[size][2]);
    }
    CHECK(statement(explain::compare_sizes(none), "from the costs")
              .starts_with("none in most rounds, and any size in others, with "));
    CHECK(statement(explain::compare_sizes(every), "from the costs")
              .starts_with("every size pays in most rounds, and none in others, with "));
}

TEST_CASE("break-even: of one size it is an estimate, and says what it takes for granted") {
    const auto all = compare_at({16384}, {});
    CHECK_FALSE(all.prediction.fitted);
    CHECK_FALSE(all.measured.bytes.measured());
    CHECK(all.prediction.as_copied.bytes.value() == doctest::Approx(4000));
    CHECK(has(statement(all, "estimate"), "about 4.00 kB"));
    CHECK(has(statement(all, "estimate"), "one size is too few to tell the two apart"));
    CHECK(statement(all, "measured").empty());
    CHECK(all.verdict == all.sizes.front().verdict);
}

TEST_CASE("break-even: without costs there is a reason in its place") {
    std::vector<std::vector<Round>> sizes{rounds_at(4096, {}), rounds_at(16384, {})};
    sizes[1][3][0].profile.reset();
    const auto all = explain::compare_sizes(sizes);
    CHECK(all.why_none == "no profile was taken");
    CHECK(all.statements.empty());
    CHECK(has(all.verdict, "cannot be said: no profile was taken"));
    const std::string text = report::render_comparison(all, {80, false, true});
    CHECK(has(text, "n/a"));
    CHECK(has(text, "no profile was taken"));
}

TEST_CASE("break-even: the page of several sizes fits, with every size in it") {
    Law law;
    law.late_per_byte = 0.3;
    const auto all = compare_at({8, 4096, 16384, 65536, 262144, 1048576, 1073741824}, law);
    for (const unsigned columns : {60U, 80U, 120U}) {
        CAPTURE(columns);
        const std::string text = report::render_comparison(all, {columns, false, true});
        for (const std::string& line : split(text, '\n')) {
            CHECK_MESSAGE(display_width(line) <= columns, line);
        }
        CHECK(has(text, "1 073 741 824 B"));
        CHECK(has(text, "page-pinning"));
        CHECK(has(text, "Break-even"));
        CHECK(has(text, "copies/B") == (columns >= 80));
    }
}
