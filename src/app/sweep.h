// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/experiment.h"
#include "base/result.h"

namespace netio::app {

// Every mode with every size, number of connections and path, `repeat` times.
struct SweepPlan {
    ExperimentOptions common;  // what all experiments share
    std::vector<model::CopyMode> modes;
    std::vector<std::uint64_t> sizes_bytes;
    std::vector<std::uint32_t> threads;
    std::vector<model::Path> paths;
    std::uint32_t repeat = 1;
    std::uint64_t seed = 0;
};

// The experiments in the order in which they are run: each repetition has all of them, shuffled by the seed, so that
// what drifts on the machine falls on all alike.
std::vector<model::Spec> experiments_of(const SweepPlan& plan);

// A folder for the results of one sweep: made where it is missing. Error: ExitCode::usage where it holds anything.
Result<void> claim_folder(const std::filesystem::path& folder);

// Runs all of them with probes that are attached once. Each result is in the folder before the next experiment begins:
// runs/NNNN.json, as `netio-trace --json` writes it, and a row of results.csv. A signal ends the sweep; the experiment
// that it met is not kept. Returns the exit code of the worst experiment.
Result<int> sweep(const SweepPlan& plan, const std::filesystem::path& folder);

}  // namespace netio::app
