// SPDX-License-Identifier: MIT
#include "kernel/preemption.h"

#include "base/files.h"

namespace netio::kernel {

bool may_preempt(const Root& root) {
    // "#1 SMP PREEMPT_DYNAMIC Debian 6.12.107-1"
    const auto version = read_file(root / "proc/sys/kernel/version");
    if (version && version->find(" PREEMPT") == std::string::npos) {
        return false;
    }
    // "none voluntary (full) lazy": the model in force stands in brackets.
    const auto model = read_file(root / "sys/kernel/debug/sched/preempt");
    return !model || (model->find("(none)") == std::string::npos && model->find("(voluntary)") == std::string::npos);
}

}  // namespace netio::kernel
