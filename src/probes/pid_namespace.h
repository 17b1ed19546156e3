// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

namespace netio::probes {

// Tells the programs of a skeleton in which pid namespace this process counts, where that is not the initial one, whose
// inode is PROC_PID_INIT_INO and in which bpf_get_current_pid_tgid counts.
void set_pid_namespace(auto& constants) {
    constexpr ino_t initial = 0xEFFFFFFCU;
    struct stat status {};
    if (stat("/proc/self/ns/pid", &status) == 0 && status.st_ino != initial) {
        constants.pidns_device = status.st_dev;
        constants.pidns_inode = status.st_ino;
    }
}

}  // namespace netio::probes
