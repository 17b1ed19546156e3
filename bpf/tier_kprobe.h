/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stubs on kprobes and kretprobes, for kernels that refuse fentry. A kretprobe sees only the result, so the arguments
 * are kept with the task at entry. */
#ifndef NETIO_TIER_KPROBE_H
#define NETIO_TIER_KPROBE_H

#include "completion.h"
#include "functions.h"
#include "receive.h"

#include <bpf/bpf_tracing.h>

SEC("kprobe/tcp_sendmsg_locked")
int kp_send_begins(struct pt_regs* ctx) {
    return PT_REGS_PARM3(ctx) ? send_begins(PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), false) : 0;
}

SEC("kretprobe/tcp_sendmsg_locked")
int kp_send_ends(struct pt_regs* ctx) {
    struct netio_task* task = traced_task();

    return task && task->msg ? send_ends(task->sk, (__s32)PT_REGS_RC(ctx)) : 0;
}

SEC("kprobe/skb_copy_datagram_iter")
int kp_receive_copies(struct pt_regs* ctx) {
    struct netio_task* task = traced_task();

    /* A call that has slept since before the measurement shows its socket here: the packet is charged to it. */
    if (task && !task->sk)
        task->sk = (__u64)READ(struct sk_buff, PT_REGS_PARM1(ctx), sk);
    return receive_copies((__s32)PT_REGS_PARM4(ctx));
}

static __always_inline int receive_begins(__u64 sk, __s32 flags) {
    struct netio_task* task = traced_task();

    if (task) {
        slot_of(task, sk);
        task->kind = flags;
    }
    return 0;
}

/* Linux 5.10 to 5.18. */
SEC("kprobe/tcp_recvmsg")
int kp_receive_begins_v5_10(struct pt_regs* ctx) {
    return receive_begins(PT_REGS_PARM1(ctx), (__s32)PT_REGS_PARM5(ctx));
}

/* Linux 5.19. */
SEC("kprobe/tcp_recvmsg")
int kp_receive_begins(struct pt_regs* ctx) {
    return receive_begins(PT_REGS_PARM1(ctx), (__s32)PT_REGS_PARM4(ctx));
}

SEC("kretprobe/tcp_recvmsg")
int kp_receive_ends(struct pt_regs* ctx) {
    struct netio_task* task = traced_task();

    return task && task->sk ? receive_ends(task->sk, (__s32)PT_REGS_RC(ctx), (__s32)task->kind) : 0;
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
    return function_copies(ctx, PT_REGS_PARM1(ctx), NETIO_COPIER_SKB_COPY);
}

SEC("kprobe/__msg_zerocopy_callback")
int kp_completes(struct pt_regs* ctx) {
    return complete_ubuf(PT_REGS_PARM1(ctx), false);
}

SEC("kprobe/sock_zerocopy_callback")
int kp_completes_v5_10(struct pt_regs* ctx) {
    return complete_ubuf(PT_REGS_PARM1(ctx), false);
}

#endif
