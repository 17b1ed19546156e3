// SPDX-License-Identifier: MIT
#include "stats/histogram.h"

#include <doctest/doctest.h>

#include <vector>

using namespace netio;
using model::HistogramBucket;
using model::HistogramData;
using stats::Histogram;
namespace buckets = stats::buckets;

namespace {

Histogram of(const std::vector<std::uint64_t>& values) {
    Histogram histogram;
    for (const std::uint64_t value : values) {
        histogram.record(value);
    }
    return histogram;
}

}  // namespace

TEST_CASE("buckets: gapless, ascending, at most 1/32 of their lower bound wide") {
    CHECK(buckets::count == 1920);
    CHECK(buckets::lower_of(0) == 0);
    for (std::size_t i = 0; i < buckets::count; ++i) {
        const std::uint64_t lower = buckets::lower_of(i);
        const std::uint64_t upper = buckets::upper_of(i);
        REQUIRE(lower < upper);
        REQUIRE(buckets::index_of(lower) == i);
        REQUIRE(buckets::index_of(upper - 1) == i);
        REQUIRE((upper - lower == 1 || upper - lower <= lower / 32));
        REQUIRE((i + 1 == buckets::count || buckets::index_of(upper) == i + 1));
    }
    CHECK(buckets::index_of(UINT64_MAX) == buckets::count - 1);
}

TEST_CASE("buckets: the bounds of a few") {
    CHECK(buckets::index_of(63) == 63);
    CHECK(buckets::index_of(64) == 64);
    CHECK(buckets::index_of(65) == 64);
    CHECK(buckets::lower_of(95) == 126);
    CHECK(buckets::upper_of(95) == 128);
    CHECK(buckets::lower_of(buckets::index_of(1000)) == 992);
    CHECK(buckets::upper_of(buckets::index_of(1000)) == 1008);
    CHECK(buckets::lower_of(buckets::count - 1) == 63ULL << 58);
    CHECK(buckets::upper_of(buckets::count - 1) == UINT64_MAX);
}

TEST_CASE("histogram: nothing recorded") {
    CHECK(Histogram().data() == HistogramData{});
    CHECK(Histogram().count() == 0);
}

TEST_CASE("histogram: data hold the samples' own sum, min and max, and the buckets that are not empty") {
    const HistogramData data = of({1000, 7, 993, 7, UINT64_MAX - 1}).data();
    CHECK(data.count == 5);
    CHECK(data.sum == UINT64_MAX);  // saturated
    CHECK(data.min == 7);
    CHECK(data.max == UINT64_MAX - 1);
    CHECK(data.buckets == std::vector<HistogramBucket>{{7, 8, 2}, {992, 1008, 2}, {63ULL << 58, UINT64_MAX, 1}});
    CHECK(of({1000, 7, 993}).data().sum == 2000);
}

TEST_CASE("histogram: a saturated sum stays so") {
    CHECK(of({UINT64_MAX, 0, 1, UINT64_MAX}).data().sum == UINT64_MAX);
    Histogram sum = of({UINT64_MAX});
    sum.merge(of({5}));
    CHECK(sum.data().sum == UINT64_MAX);
    CHECK(stats::merge(of({UINT64_MAX}).data(), of({5}).data()).sum == UINT64_MAX);
}

TEST_CASE("histogram: zero is a sample") {
    const HistogramData data = of({0, 0}).data();
    CHECK(data == HistogramData{2, 0, 0, 0, {{0, 1, 2}}});
}

TEST_CASE("histogram: clear") {
    Histogram histogram = of({1, 2});
    histogram.clear();
    CHECK(histogram.data() == HistogramData{});
    histogram.record(9);
    CHECK(histogram.data() == of({9}).data());
}

TEST_CASE("histogram: merging parts equals recording everything in one, in each of the three ways") {
    const std::vector<std::uint64_t> left{1, 5, 1000, 70'000, 1'000'000'007};
    const std::vector<std::uint64_t> right{5, 999, 3, 70'001, 12};
    std::vector<std::uint64_t> all = left;
    all.insert(all.end(), right.begin(), right.end());
    const HistogramData expected = of(all).data();

    Histogram merged = of(left);
    merged.merge(of(right));
    CHECK(merged.data() == expected);
    CHECK(stats::merge(of(left).data(), of(right).data()) == expected);
    const std::vector<HistogramData> parts{of(right).data(), HistogramData{}, of(left).data()};
    CHECK(stats::merge(parts) == expected);
}

TEST_CASE("histogram: merging with an empty one changes nothing, its min of 0 included") {
    const HistogramData data = of({40, 50}).data();
    CHECK(stats::merge(data, HistogramData{}) == data);
    CHECK(stats::merge(HistogramData{}, data) == data);
    CHECK(stats::merge(std::span<const HistogramData>{}) == HistogramData{});
    Histogram empty;
    empty.merge(of({40, 50}));
    CHECK(empty.data() == data);
    empty.merge(Histogram());
    CHECK(empty.data() == data);
}

TEST_CASE("histogram: from_data restores it") {
    const HistogramData data = of({0, 1000, 7, 993, UINT64_MAX}).data();
    const auto restored = Histogram::from_data(data);
    REQUIRE(restored.has_value());
    CHECK(restored->data() == data);
    Histogram more = *restored;
    more.record(5);
    CHECK(more.data() == of({0, 1000, 7, 993, UINT64_MAX, 5}).data());
    CHECK(Histogram::from_data(HistogramData{})->data() == HistogramData{});
}

TEST_CASE("histogram: from_data refuses foreign buckets and counts that do not add up") {
    HistogramData foreign = of({1000}).data();
    foreign.buckets[0].upper = 1007;
    CHECK(Histogram::from_data(foreign).error().why == "992 to 1007 is not one of its buckets");
    foreign.buckets[0] = {993, 1008, 1};
    CHECK(Histogram::from_data(foreign).error().why == "993 to 1008 is not one of its buckets");
    HistogramData short_of_one = of({1000, 5}).data();
    short_of_one.count = 3;
    CHECK(Histogram::from_data(short_of_one).error().why == "its buckets hold 2 samples, its count says 3");
}
