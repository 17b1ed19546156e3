/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stubs that complete those of the fentry tier on kernels that preempt tasks (preemption.h): kprobes and perf's
 * handlers of tracepoints keep the CPU, so no task is preempted in them. They have a weakness of their own, for which
 * the others are needed: none of them runs on a CPU on which another one is at work, nor while bpf(2) changes a map
 * there. */
#ifndef NETIO_UNPREEMPTED_H
#define NETIO_UNPREEMPTED_H

#include "completion.h"
#include "once.h"

#include <bpf/bpf_tracing.h>

/* Linux 6.3. */
SEC("tracepoint/sock/sock_send_length")
int pt_send_ends(struct trace_event_raw_sock_msg_length* ctx) {
    return function_ends_send((__u64)ctx->sk, 0, ctx->ret);
}

SEC("kprobe/skb_copy_datagram_iter")
int kp_receive_copies_once(struct pt_regs* ctx) {
    return function_copies_to_user(PT_REGS_PARM1(ctx), (__s32)PT_REGS_PARM2(ctx), (__s32)PT_REGS_PARM4(ctx));
}

/* Linux 6.3. */
SEC("tracepoint/sock/sock_recv_length")
int pt_receive_ends(struct trace_event_raw_sock_msg_length* ctx) {
    return function_ends_receive((__u64)ctx->sk, ctx->ret, ctx->flags);
}

/* A call is counted once, whoever sees its record. */
SEC("tracepoint/skb/consume_skb")
int pt_packet_consumed(struct trace_event_raw_consume_skb* ctx) {
    return packet_consumed((__u64)ctx->skbaddr, true);
}

/* Linux 5.17. */
SEC("kprobe/__msg_zerocopy_callback")
int kp_completes_again(struct pt_regs* ctx) {
    return complete_ubuf(PT_REGS_PARM1(ctx), true);
}

#endif
