// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "kernel/root.h"
#include "model/capture.h"

namespace netio::kernel {

// The machine and the kernel that a measurement was made on: proc/sys/kernel, proc/cpuinfo, sys/devices/system/cpu,
// sys/class/dmi, sys/kernel/security/lockdown. `started_utc` (ISO 8601) is the caller's, as this reads no clock. What
// cannot be read is "unknown", or is absent from `limits`; nothing is guessed.
model::Environment read_environment(const Root& root, std::string started_utc);

}  // namespace netio::kernel
