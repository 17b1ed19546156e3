// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "workload/child.h"

namespace netio::workload {

// fork(2) and execv(2) with what ChildOptions asks for. `control` stays open in the child, `errors` becomes its stderr,
// its stdout is /dev/null. Returns when the new program runs, or with the step that failed.
Result<pid_t> spawn_program(const ChildOptions& options, int control, int errors);

}  // namespace netio::workload
