// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.h"
#include "probes/skeleton.h"
#include "probes/tracer.h"

namespace netio::probes {

// Puts the numbers of all sockets that can be traced into the queue that the programs take them from.
Result<void> fill_slots(const netio_trace_bpf& skeleton, std::uint32_t slots);

// Empties every map and sum of programs that stay attached, as they were before the first run. Nothing may be measured
// meanwhile. Error: the kernel refuses to change a map.
Result<void> forget(const netio_trace_bpf& skeleton, const TracerOptions& options);

}  // namespace netio::probes
