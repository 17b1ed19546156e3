/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stubs on kprobes, for kernels that refuse fentry. There are no kretprobes: the kernel has room for few calls that
 * sleep in one (on Linux 5.10 for as many as there are CPUs) and loses the rest, so ends are seen from tracepoints. */
#ifndef NETIO_TIER_KPROBE_H
#define NETIO_TIER_KPROBE_H

#include "completion.h"
#include "functions.h"
#include "receive.h"
#include "syscalls.h"

#include <bpf/bpf_tracing.h>

SEC("kprobe/tcp_sendmsg_locked")
int kp_send_begins(struct pt_regs* ctx) {
    return PT_REGS_PARM3(ctx) ? send_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), false) : 0;
}

/* Before Linux 6.3, where the end is seen from the system call, in which a task may send several messages. */
SEC("kprobe/tcp_sendmsg_locked")
int kp_send_begins_v5_10(struct pt_regs* ctx) {
    struct netio_task* task = traced_task();

    if (!task || !PT_REGS_PARM3(ctx))
        return 0;
    if (task->msg)
        ends_by_sequence(task);
    task->msg = 0;
    send_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), false);
    task->start_sequence = write_sequence(PT_REGS_PARM1(ctx));
    return 0;
}

SEC("kprobe/skb_copy_datagram_iter")
int kp_receive_copies(struct pt_regs* ctx) {
    return receive_copies((__s32)PT_REGS_PARM4(ctx));
}

SEC("kprobe/skb_copy_ubufs")
int kp_copy_ubufs(struct pt_regs* ctx) {
    return function_copies(ctx, PT_REGS_PARM1(ctx), NETIO_COPIER_COPY_UBUFS);
}

SEC("kprobe/__pskb_pull_tail")
int kp_pull_tail(struct pt_regs* ctx) {
    return function_pulls(ctx, PT_REGS_PARM1(ctx), (__s32)PT_REGS_PARM2(ctx));
}

SEC("kprobe/skb_segment")
int kp_segment(struct pt_regs* ctx) {
    return function_segments(ctx, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

SEC("kprobe/skb_copy")
int kp_skb_copy(struct pt_regs* ctx) {
    return function_copies(ctx, PT_REGS_PARM1(ctx), NETIO_COPIER_SKB_COPY);
}

SEC("kprobe/skb_copy_expand")
int kp_skb_copy_expand(struct pt_regs* ctx) {
    return function_copies(ctx, PT_REGS_PARM1(ctx), NETIO_COPIER_COPY_EXPAND);
}

SEC("kprobe/__msg_zerocopy_callback")
int kp_completes(struct pt_regs* ctx) {
    return complete_ubuf(PT_REGS_PARM1(ctx), false);
}

SEC("kprobe/sock_zerocopy_callback")
int kp_completes_v5_10(struct pt_regs* ctx) {
    return complete_ubuf(PT_REGS_PARM1(ctx), false);
}

/* For kernels that inline __msg_zerocopy_callback (Debian's Linux 7.2). */
SEC("kprobe/sk_error_report")
int kp_error_reported(struct pt_regs* ctx) {
    return error_reported(PT_REGS_PARM1(ctx));
}

#endif
