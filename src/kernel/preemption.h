// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/root.h"

namespace netio::kernel {

// Whether a task can be preempted while it is in the kernel. By the kernel's build (proc/sys/kernel/version), and where
// that leaves the choice to the boot (PREEMPT_DYNAMIC) by sys/kernel/debug/sched/preempt; yes where that cannot be
// read.
bool may_preempt(const Root& root);

}  // namespace netio::kernel
