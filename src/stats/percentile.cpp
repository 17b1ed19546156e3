// SPDX-License-Identifier: MIT
#include "stats/percentile.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "stats/ratio.h"

namespace netio::stats {
namespace {

// Nine samples beyond a percentile place it within about a third of their number (1/sqrt(10)); fewer say little.
constexpr double samples_beyond = 10;
// Absorbs that 1 - 0.9 is not 0.1 in binary; far below one sample.
constexpr double rounding = 1e-6;

// The sample of rank `rank` (1 is the first) among the bucket's, which are taken as evenly spread over its values.
double inside(const model::HistogramBucket& bucket, double rank) {
    const double lower = static_cast<double>(bucket.lower);
    const double last = bucket.upper > bucket.lower ? static_cast<double>(bucket.upper - 1) : lower;
    return lower + (last - lower) * (rank - 0.5) / static_cast<double>(bucket.count);
}

double value_at_rank(const model::HistogramData& histogram, double rank) {
    double before = 0;
    for (const model::HistogramBucket& bucket : histogram.buckets) {
        const double count = static_cast<double>(bucket.count);
        if (bucket.count != 0 && before + count >= rank) {
            return inside(bucket, rank - before);
        }
        before += count;
    }
    return static_cast<double>(histogram.max);
}

}  // namespace

std::uint64_t samples_needed(double q) {
    // Limited because a double beyond 2^64 must not be converted; no run has a quintillion samples.
    return static_cast<std::uint64_t>(std::min(1e18, std::ceil(samples_beyond / std::min(q, 1 - q) - rounding)));
}

model::Figure<double> percentile(const model::HistogramData& histogram, double q) {
    if (!(q > 0 && q < 1)) {
        return model::Figure<double>::missing("no percentile lies outside 0 to 1");
    }
    if (histogram.count < samples_needed(q)) {
        return model::Figure<double>::missing(
            fmt::format("needs {} samples, has {}", format_count(samples_needed(q)), format_count(histogram.count)));
    }
    const double rank = std::max(1.0, std::ceil(q * static_cast<double>(histogram.count) - rounding));
    return std::clamp(value_at_rank(histogram, rank), static_cast<double>(histogram.min),
                      std::max(static_cast<double>(histogram.min), static_cast<double>(histogram.max)));
}

model::Latency summarize(std::string id, std::string name, const model::HistogramData& histogram) {
    model::Latency latency;
    latency.id = std::move(id);
    latency.name = std::move(name);
    latency.samples = histogram.count;
    latency.p50_ns = percentile(histogram, 0.5);
    latency.p90_ns = percentile(histogram, 0.9);
    latency.p99_ns = percentile(histogram, 0.99);
    latency.p999_ns = percentile(histogram, 0.999);
    latency.mean_ns = safe_ratio(histogram.sum, histogram.count, "no samples");
    latency.max_ns = histogram.count == 0 ? model::Figure<double>::missing("no samples")
                                          : model::Figure<double>(static_cast<double>(histogram.max));
    if (histogram.sum == UINT64_MAX) {
        latency.mean_ns = model::Figure<double>::missing("the sum of the samples is beyond 64 bits");
    }
    return latency;
}

}  // namespace netio::stats
