// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "explain/rounds.h"
#include "model/report.h"

// Runs to compare, made by hand.

namespace netio::test {

struct Cost {
    std::string id;
    double per_byte;
};

inline model::Report compared_run(model::CopyMode mode, double gigabits, const std::vector<Cost>& costs,
                                  std::uint64_t size_bytes = 16384) {
    model::Report report;
    report.spec.mode = mode;
    report.spec.size_bytes = size_bytes;
    report.spec.duration_ns = 1'000'000'000;
    report.throughput_bits_per_second = gigabits * 1e9;
    report.ledger.copies_per_byte = 2.0;
    model::Profile profile;
    profile.unit = "ns";
    profile.event = "cpu-clock";
    double sum = 0;
    for (const Cost& cost : costs) {
        model::StageCost stage;
        stage.id = stage.name = cost.id;
        stage.per_byte = cost.per_byte;
        profile.stages.push_back(stage);
        sum += cost.per_byte;
    }
    profile.total.per_byte = sum;
    report.profile = profile;
    return report;
}

// One-copy against zero-copy in eight rounds: half of the copying is saved and pinning is paid. What drifts is alike
// for both, and what the program costs goes up and down by chance.
inline std::vector<explain::Round> eight_rounds() {
    std::vector<explain::Round> rounds;
    for (int i = 0; i < 8; ++i) {
        const double drift = 0.01 * i;
        const double noise = i % 2 == 0 ? 0.02 : -0.02;
        rounds.push_back({compared_run(model::CopyMode::one_copy, 10,
                                       {{"program", 0.1}, {"copy-in", 0.4 + drift}, {"page-pinning", 0}}),
                          compared_run(model::CopyMode::zerocopy, 8,
                                       {{"program", 0.1 + noise}, {"copy-in", 0.2 + drift}, {"page-pinning", 0.5}})});
    }
    return rounds;
}

}  // namespace netio::test
