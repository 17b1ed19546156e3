// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/overhead.h"

struct bpf_object;

namespace netio::probes {

// While the descriptor is open, the kernel counts and times the runs of all BPF programs (BPF_ENABLE_STATS, Linux 5.8),
// which costs each run the reading of two clocks. Errors: ExitCode::privilege.
Result<Fd> enable_run_stats();

// Of the programs of an object that are loaded, since they were.
std::vector<model::ProgramRuns> runs_of(const bpf_object& object);

}  // namespace netio::probes
