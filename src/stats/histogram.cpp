// SPDX-License-Identifier: MIT
#include "stats/histogram.h"

#include <fmt/format.h>

namespace netio::stats {
namespace {

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

bool before(const model::HistogramBucket& a, const model::HistogramBucket& b) {
    return a.lower != b.lower ? a.lower < b.lower : a.upper < b.upper;
}

bool same_bounds(const model::HistogramBucket& a, const model::HistogramBucket& b) {
    return a.lower == b.lower && a.upper == b.upper;
}

Unexpected refuse(std::string why) {
    return fail("the histogram is not usable", std::move(why), "record it again with this version of netio-trace");
}

}  // namespace

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
    sum_ = saturating_add(sum_, other.sum_);
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

model::HistogramData Histogram::data() const {
    model::HistogramData data;
    data.count = count_;
    data.sum = sum_;
    data.min = count_ == 0 ? 0 : min_;
    data.max = max_;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        if (buckets_[i] != 0) {
            data.buckets.push_back({buckets::lower_of(i), buckets::upper_of(i), buckets_[i]});
        }
    }
    return data;
}

Result<Histogram> Histogram::from_data(const model::HistogramData& data) {
    Histogram histogram;
    for (const model::HistogramBucket& bucket : data.buckets) {
        const std::size_t index = buckets::index_of(bucket.lower);
        if (buckets::lower_of(index) != bucket.lower || buckets::upper_of(index) != bucket.upper) {
            return refuse(fmt::format("{} to {} is not one of its buckets", bucket.lower, bucket.upper));
        }
        histogram.buckets_[index] += bucket.count;
        histogram.count_ += bucket.count;
    }
    if (histogram.count_ != data.count) {
        return refuse(fmt::format("its buckets hold {} samples, its count says {}", histogram.count_, data.count));
    }
    histogram.sum_ = data.sum;
    histogram.min_ = data.count == 0 ? UINT64_MAX : data.min;
    histogram.max_ = data.max;
    return histogram;
}

model::HistogramData merge(const model::HistogramData& a, const model::HistogramData& b) {
    if (a.count == 0 || b.count == 0) {
        return a.count == 0 ? b : a;
    }
    model::HistogramData sum;
    sum.count = a.count + b.count;
    sum.sum = saturating_add(a.sum, b.sum);
    sum.min = std::min(a.min, b.min);
    sum.max = std::max(a.max, b.max);
    std::vector<model::HistogramBucket> both(a.buckets.size() + b.buckets.size());
    std::merge(a.buckets.begin(), a.buckets.end(), b.buckets.begin(), b.buckets.end(), both.begin(), before);
    for (const model::HistogramBucket& bucket : both) {
        if (!sum.buckets.empty() && same_bounds(sum.buckets.back(), bucket)) {
            sum.buckets.back().count += bucket.count;
        } else {
            sum.buckets.push_back(bucket);
        }
    }
    return sum;
}

model::HistogramData merge(std::span<const model::HistogramData> parts) {
    model::HistogramData sum;
    for (const model::HistogramData& part : parts) {
        sum = merge(sum, part);
    }
    return sum;
}

}  // namespace netio::stats
