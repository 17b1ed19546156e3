// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "model/workload.h"

namespace netio::stats {

// Log-linear buckets (the scheme of HdrHistogram): 32 to every power of two, so that a bucket is at most 1/32 as wide
// as its lower bound; below 64 every value has its own. They cover all of uint64.
namespace buckets {

inline constexpr unsigned precision_bits = 5;
inline constexpr std::size_t per_octave = std::size_t{1} << precision_bits;
inline constexpr std::size_t count = (64 - precision_bits + 1) * per_octave;

// `shift` low bits of the value are dropped, so that the six highest remain: 32 <= value >> shift < 64, or the value
// itself where it is below 64.
constexpr std::size_t index_of(std::uint64_t value) {
    const auto shift = static_cast<unsigned>(std::bit_width(value | per_octave)) - (precision_bits + 1);
    return shift * per_octave + static_cast<std::size_t>(value >> shift);
}

// Smallest value of a bucket.
constexpr std::uint64_t lower_of(std::size_t index) {
    if (index < 2 * per_octave) {
        return index;
    }
    const std::size_t shift = index / per_octave - 1;
    return static_cast<std::uint64_t>(index - shift * per_octave) << shift;
}

// First value beyond a bucket. For the last one that would be 2^64: the greatest uint64 is given, and belongs to it.
constexpr std::uint64_t upper_of(std::size_t index) {
    return index + 1 == count ? UINT64_MAX : lower_of(index + 1);
}

}  // namespace buckets

// Counts samples in 15 KiB of fixed memory. Not for two threads at once: one per connection, merged afterwards.
class Histogram {
 public:
    // A few instructions, no allocation, no branch that depends on the value. The sum stops at the greatest uint64.
    void record(std::uint64_t value) {
        ++buckets_[buckets::index_of(value)];
        ++count_;
        sum_ += value;
        sum_ = sum_ < value ? UINT64_MAX : sum_;
        min_ = std::min(min_, value);
        max_ = std::max(max_, value);
    }

    void merge(const Histogram& other);
    void clear() { *this = Histogram(); }
    std::uint64_t count() const { return count_; }

    // The form that is stored: buckets that hold samples, ascending.
    model::HistogramData data() const;
    // Error: buckets that are not this scheme's, or counts that do not add up.
    static Result<Histogram> from_data(const model::HistogramData& data);

 private:
    std::array<std::uint64_t, buckets::count> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t min_ = UINT64_MAX;
    std::uint64_t max_ = 0;
};

// The samples of several connections in one histogram. Exact: equal buckets are added, none is split.
model::HistogramData merge(const model::HistogramData& a, const model::HistogramData& b);
model::HistogramData merge(std::span<const model::HistogramData> parts);

}  // namespace netio::stats
