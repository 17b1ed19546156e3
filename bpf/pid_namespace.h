/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who the current task is to user space, which may be in a pid namespace of its own. */
#ifndef NETIO_PID_NAMESPACE_H
#define NETIO_PID_NAMESPACE_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

/* struct bpf_pidns_info, include/uapi/linux/bpf.h */
struct pid_in_namespace {
    __u32 pid;
    __u32 tgid;
};

static long (*get_ns_pid_tgid)(__u64 device, __u64 inode, struct pid_in_namespace* out, __u32 size) = (void*)120;

/* (tgid << 32) | pid as this pid namespace numbers them; of the initial one where `inode` is 0. */
static __always_inline __u64 own_task_id(__u64 device, __u64 inode) {
    struct pid_in_namespace ids = {};

    if (!inode)
        return bpf_get_current_pid_tgid();
    if (get_ns_pid_tgid(device, inode, &ids, sizeof(ids)))
        return 0;
    return (__u64)ids.tgid << 32 | ids.pid;
}

#endif
