// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "model/figure.h"
#include "model/report.h"
#include "model/workload.h"

namespace netio::stats {

// Samples that the percentile `q` (0 < q < 1) needs: so many that 10 lie on its thinner side. 20 for p50, 100 for p90,
// 1000 for p99, 10000 for p99.9.
std::uint64_t samples_needed(double q);

// The value that a share `q` of the samples does not exceed (nearest rank, ceil(q * count)), interpolated inside its
// bucket as if the bucket's samples were spread evenly. With class Histogram's buckets it differs from the exact
// percentile of the samples by less than 1/32 of it; values below 64 are exact. Missing where the samples do not
// suffice ("needs 1 000 samples, has 12") and where q is not between 0 and 1.
model::Figure<double> percentile(const model::HistogramData& histogram, double q);

// The percentiles, mean and maximum of one kind of latency; `histogram` in nanoseconds.
model::Latency summarize(std::string id, std::string name, const model::HistogramData& histogram);

}  // namespace netio::stats
