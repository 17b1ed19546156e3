// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

namespace netio::probes {

// A stage of the data path, and the kernel functions that are it.
struct StageRow {
    std::string_view id;
    std::string_view name;
    // Every one that the kernel has; names that changed stand beside each other. None: tracepoints tell.
    std::vector<std::string_view> functions;
    bool waiting = false;
};

// In the order of their numbers; the first are netio_stage's.
const std::vector<StageRow>& timed_stages();

}  // namespace netio::probes
