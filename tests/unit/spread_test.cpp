// SPDX-License-Identifier: MIT
#include "stats/spread.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace netio;

namespace {

std::vector<double> numbers_up_to(std::size_t count) {
    std::vector<double> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 1.0);
    return numbers;
}

}  // namespace

// The ranks of the sign test's interval, as statistical tables have them.
TEST_CASE("spread: the interval's ends have the ranks of the tables") {
    struct Ends {
        std::size_t runs, low, high;
    };
    for (const Ends& ends : {Ends{6, 1, 6}, Ends{8, 1, 8}, Ends{9, 2, 8}, Ends{12, 3, 10}, Ends{15, 4, 12},
                             Ends{20, 6, 15}, Ends{100, 40, 61}}) {
        CAPTURE(ends.runs);
        const auto spread = stats::spread_of(numbers_up_to(ends.runs));
        REQUIRE(spread.measured());
        CHECK(spread.value().low == static_cast<double>(ends.low));
        CHECK(spread.value().high == static_cast<double>(ends.high));
        CHECK(spread.value().runs == ends.runs);
    }
}

TEST_CASE("spread: the median of few and of many, whatever their order") {
    CHECK(stats::spread_of({5, 1, 4, 2, 3, 6, 9}).value().median == 4);
    CHECK(stats::spread_of({6, 5, 4, 3, 2, 1}).value().median == 3.5);
    CHECK(stats::spread_of(numbers_up_to(10'000)).value().median == 5000.5);
}

TEST_CASE("spread: a figure that is infinite in some runs has its place at the end") {
    const double infinite = std::numeric_limits<double>::infinity();
    const auto one = stats::spread_of({3, infinite, 1, 2, 4, 5}).value();
    CHECK(one.median == 3.5);
    CHECK(one.low == 1);
    CHECK(one.high == infinite);
    CHECK(stats::spread_of(std::vector<double>(6, infinite)).value().median == infinite);
}

TEST_CASE("spread: five runs are too few for an interval, and the reason says how many are needed") {
    const auto spread = stats::spread_of({1, 2, 3, 4, 5});
    CHECK_FALSE(spread.measured());
    CHECK(spread.reason() == "an interval needs 6 runs, there are 5");
    CHECK_FALSE(stats::spread_of({}).measured());
}

TEST_CASE("spread: the interval holds the true median as often as promised, also of a lopsided distribution") {
    std::mt19937_64 generator(7);
    std::exponential_distribution<double> draw(1);
    const double truth = std::log(2.0);
    struct Promise {
        std::size_t runs;
        double coverage;  // of the ranks: 1 - 2 P(at most lower rank - 1 heads of so many coins)
    };
    for (const Promise& promise :
         {Promise{6, 0.96875}, Promise{8, 0.99219}, Promise{11, 0.98828}, Promise{20, 0.95861}}) {
        constexpr int trials = 4000;
        int held = 0;
        for (int trial = 0; trial < trials; ++trial) {
            std::vector<double> values(promise.runs);
            std::generate(values.begin(), values.end(), [&] { return draw(generator); });
            const auto spread = stats::spread_of(values).value();
            held += spread.low <= truth && truth <= spread.high ? 1 : 0;
        }
        CAPTURE(promise.runs);
        const double four_deviations = 4 * std::sqrt(promise.coverage * (1 - promise.coverage) / trials);
        CHECK(std::abs(static_cast<double>(held) / trials - promise.coverage) < four_deviations);
    }
}
