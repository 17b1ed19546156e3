// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "model/capture.h"

namespace netio::app {

struct ExperimentOptions {
    model::Spec spec;
    bool trace = true;                      // false: the workload alone, to compare with
    bool count = true;                      // perf events
    std::uint32_t ring_bytes = 256 * 1024;  // of events, see TracerOptions
};

// Told what is going on: a phase, and the share of it that is done (negative: unknown).
using Progress = std::function<void(const std::string& phase, double share)>;

// One run: network, probes, server and client, warm-up, measurement, and everything taken down again. SIGINT and
// SIGTERM end the process at once before there is anything to show (PromptEnd), and the measured phase early; the
// capture then says so, and a second signal kills. After the measured phase a signal ends all waiting.
Result<model::Capture> run_experiment(const ExperimentOptions& options, const Progress& progress);

}  // namespace netio::app
