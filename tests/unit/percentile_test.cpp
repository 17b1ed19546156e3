// SPDX-License-Identifier: MIT
#include "stats/percentile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "stats/histogram.h"
#include "stats/ratio.h"

using namespace netio;
using model::Figure;
using model::HistogramData;
using stats::percentile;

namespace {

using Samples = std::vector<std::uint64_t>;

HistogramData histogram_of(const Samples& samples) {
    stats::Histogram histogram;
    for (const std::uint64_t sample : samples) {
        histogram.record(sample);
    }
    return histogram.data();
}

// Nearest rank, on the samples themselves.
double exact(Samples samples, double q) {
    std::sort(samples.begin(), samples.end());
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(samples.size()) - 1e-6));
    return static_cast<double>(samples[rank - 1]);
}

// The same numbers in every run and on every machine (Knuth's MMIX generator); 0 <= u < 1.
double next_uniform(std::uint64_t& state) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
}

template <class Shape>
Samples samples_of(std::size_t count, Shape shape) {
    Samples samples;
    std::uint64_t state = 42;
    for (std::size_t i = 0; i < count; ++i) {
        samples.push_back(static_cast<std::uint64_t>(shape(next_uniform(state))));
    }
    return samples;
}

void check_close_to_exact(const Samples& samples) {
    const HistogramData histogram = histogram_of(samples);
    for (const double q : {0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999}) {
        CAPTURE(q);
        const Figure<double> estimate = percentile(histogram, q);
        REQUIRE(estimate.measured());
        CHECK(std::abs(estimate.value() - exact(samples, q)) <= exact(samples, q) / 32);
    }
}

}  // namespace

TEST_CASE("samples_needed: ten beyond the percentile") {
    CHECK(stats::samples_needed(0.5) == 20);
    CHECK(stats::samples_needed(0.9) == 100);
    CHECK(stats::samples_needed(0.99) == 1000);
    CHECK(stats::samples_needed(0.999) == 10000);
    CHECK(stats::samples_needed(0.1) == 100);
    CHECK(stats::samples_needed(1e-300) == 1'000'000'000'000'000'000);
}

TEST_CASE("percentile: missing one sample is missing the percentile") {
    for (const double q : {0.5, 0.9, 0.99, 0.999}) {
        CAPTURE(q);
        const std::uint64_t needed = stats::samples_needed(q);
        CHECK(percentile(histogram_of(Samples(needed, 7)), q) == 7.0);
        CHECK_FALSE(percentile(histogram_of(Samples(needed - 1, 7)), q).measured());
    }
    CHECK(percentile(histogram_of(Samples(12, 7)), 0.99).reason() == "needs 1 000 samples, has 12");
    CHECK(percentile(HistogramData{}, 0.5).reason() == "needs 20 samples, has 0");
}

TEST_CASE("percentile: q must lie between 0 and 1") {
    const HistogramData histogram = histogram_of(Samples(100, 7));
    for (const double q : {0.0, 1.0, -0.5, 99.0, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK(percentile(histogram, q).reason() == "no percentile lies outside 0 to 1");
    }
}

TEST_CASE("percentile: small values are exact") {
    Samples samples;
    for (std::uint64_t i = 1; i <= 60; ++i) {
        samples.insert(samples.end(), 10, i);
    }
    const HistogramData histogram = histogram_of(samples);
    CHECK(percentile(histogram, 0.5) == 30.0);
    CHECK(percentile(histogram, 0.9) == 54.0);
    CHECK(percentile(histogram, 0.05) == 3.0);
}

TEST_CASE("percentile: interpolated inside the bucket, never beyond the samples") {
    // 40 samples in the bucket 1024..1055, spread evenly: rank 20 lies at 19.5/40 of the way from 1024 to 1055.
    HistogramData histogram{40, 0, 1024, 1055, {{1024, 1056, 40}}};
    CHECK(percentile(histogram, 0.5).value() == doctest::Approx(1024 + 31 * 19.5 / 40));
    histogram.max = 1030;
    CHECK(percentile(histogram, 0.5) == 1030.0);
    histogram.min = histogram.max = 1050;
    CHECK(percentile(histogram, 0.5) == 1050.0);
    CHECK(percentile(histogram_of(Samples(20, UINT64_MAX)), 0.5) == static_cast<double>(UINT64_MAX));
}

TEST_CASE("percentile: a rank on the border of two buckets is the last of the first") {
    Samples samples(10, 5);
    samples.insert(samples.end(), 10, 50);
    CHECK(percentile(histogram_of(samples), 0.5) == 5.0);
    samples.push_back(50);
    CHECK(percentile(histogram_of(samples), 0.5) == 50.0);
}

TEST_CASE("percentile: within 1/32 of the exact one, for known sets of samples") {
    check_close_to_exact(samples_of(20'000, [](double u) { return 1000 + u * 1e6; }));             // uniform
    check_close_to_exact(samples_of(20'000, [](double u) { return -20'000 * std::log(1 - u); }));  // exponential
    check_close_to_exact(samples_of(20'000, [](double u) { return std::exp(40 * u); }));           // 17 decades
    check_close_to_exact(
        samples_of(20'000, [](double u) { return u < 0.95 ? 1900 + u : 7e6 * (1 + u); }));     // two peaks
    check_close_to_exact(samples_of(20'000, [](double u) { return u < 0.5 ? 1055 : 1056; }));  // at a border
    check_close_to_exact(samples_of(20'000, [](double) { return 999'983; }));                  // constant
}

TEST_CASE("summarize: all figures") {
    Samples samples;
    for (std::uint64_t i = 1; i <= 10'000; ++i) {
        samples.push_back(i % 50 + 1);
    }
    const model::Latency latency = stats::summarize("send-call", "send()", histogram_of(samples));
    CHECK(latency.id == "send-call");
    CHECK(latency.name == "send()");
    CHECK(latency.samples == 10'000);
    CHECK(latency.p50_ns == 25.0);
    CHECK(latency.p90_ns == 45.0);
    CHECK(latency.p99_ns == 50.0);
    CHECK(latency.p999_ns == 50.0);
    CHECK(latency.mean_ns == 25.5);
    CHECK(latency.max_ns == 50.0);
}

TEST_CASE("summarize: what the samples do not support is missing") {
    const model::Latency few = stats::summarize("delivery", "delivery", histogram_of(Samples(150, 40)));
    CHECK(few.p50_ns == 40.0);
    CHECK(few.p90_ns == 40.0);
    CHECK(few.p99_ns.reason() == "needs 1 000 samples, has 150");
    CHECK(few.p999_ns.reason() == "needs 10 000 samples, has 150");
    const model::Latency none = stats::summarize("delivery", "delivery", HistogramData{});
    CHECK(none.p50_ns.reason() == "needs 20 samples, has 0");
    CHECK(none.mean_ns.reason() == "no samples");
    CHECK(none.max_ns.reason() == "no samples");
    const model::Latency vast = stats::summarize("delivery", "delivery", histogram_of(Samples(2, UINT64_MAX)));
    CHECK(vast.mean_ns.reason() == "the sum of the samples is beyond 64 bits");
}

TEST_CASE("safe_ratio: numbers, figures, and what is missing") {
    CHECK(stats::safe_ratio(3, 4) == 0.75);
    CHECK(stats::safe_ratio(std::uint64_t{6}, 4.0) == 1.5);
    CHECK(stats::safe_ratio(0, 5) == 0.0);
    CHECK(stats::safe_ratio(5, 0).reason() == "division by zero");
    CHECK(stats::safe_ratio(0, 0, "no payload").reason() == "no payload");
    const Figure<std::uint64_t> ten = 10;
    const auto unknown = Figure<std::uint64_t>::missing("no probe");
    CHECK(stats::safe_ratio(ten, 4) == 2.5);
    CHECK(stats::safe_ratio(ten, Figure<double>(2.5)) == 4.0);
    CHECK(stats::safe_ratio(unknown, 4).reason() == "no probe");
    CHECK(stats::safe_ratio(4, unknown).reason() == "no probe");
    CHECK(stats::safe_ratio(Figure<double>::missing("first"), unknown).reason() == "first");
}
