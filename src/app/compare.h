// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "app/commands.h"
#include "app/experiment.h"
#include "base/result.h"

namespace netio::app {

// Modes that take turns with messages of each size.
struct ComparePlan {
    // [size][mode]: alike but for these two; the sizes ascending, at least two modes.
    std::vector<std::vector<ExperimentOptions>> experiments;
    std::uint32_t rounds = 8;  // runs of each experiment
};

// Runs each size's modes one after the other, every other round in the opposite order, with probes that are attached
// once, and prints what the last mode cost against the first. A signal ends it: in a measured phase, or after it, with
// the whole rounds shown where they are enough for an interval, and an error where they are not; before one as it ends
// any run. Returns the exit code of the worst run.
Result<int> compare(const ComparePlan& plan, const Outputs& outputs);

// The same from the captures of such runs, in their order. Error: ExitCode::usage where they are no comparison.
Result<int> replay_comparison(const std::vector<model::Capture>& captures, const std::string& interrupted,
                              const Outputs& outputs);

}  // namespace netio::app
