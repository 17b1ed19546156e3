/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stubs on function entry and exit through BPF trampolines (Linux 5.5). */
#ifndef NETIO_TIER_FENTRY_H
#define NETIO_TIER_FENTRY_H

#include "completion.h"
#include "functions.h"
#include "once.h"

static __always_inline int fe_send_begins_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, ctx[2] ? send_begins(ctx[0], ctx[1], false) : 0);
}

FOUR_COPIES("fentry/tcp_sendmsg_locked", fe_send_begins)

static __always_inline int fe_send_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_send(ctx[0], ctx[1], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tcp_sendmsg_locked", fe_send_ends)

static __always_inline int fe_receive_copies_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_copies_to_user(ctx[0], (__s32)ctx[1], (__s32)ctx[3]));
}

FOUR_COPIES("fentry/skb_copy_datagram_iter", fe_receive_copies)

/* Linux 5.10 to 5.18: tcp_recvmsg(sk, msg, len, nonblock, flags, addr_len). */
static __always_inline int fe_receive_ends_v5_10_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[6], (__s32)ctx[4]));
}

FOUR_COPIES("fexit/tcp_recvmsg", fe_receive_ends_v5_10)

/* Linux 5.19: tcp_recvmsg(sk, msg, len, flags, addr_len). */
static __always_inline int fe_receive_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[5], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tcp_recvmsg", fe_receive_ends)

/* Seen on Linux 7.2: tcp_recvmsg(sk, msg, len, flags). */
static __always_inline int fe_receive_ends_v7_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[4], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tcp_recvmsg", fe_receive_ends_v7)

/* Multipath TCP has calls of its own, which know no zero-copy and take and give bytes by the same copying functions. */
static __always_inline int fe_mptcp_send_begins_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, layered_send_begins(ctx[0], ctx[1]));
}

FOUR_COPIES("fentry/mptcp_sendmsg", fe_mptcp_send_begins)

static __always_inline int fe_mptcp_send_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_send(ctx[0], ctx[1], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/mptcp_sendmsg", fe_mptcp_send_ends)

static __always_inline int fe_mptcp_receive_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[5], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/mptcp_recvmsg", fe_mptcp_receive_ends)

static __always_inline int fe_mptcp_receive_ends_v7_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[4], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/mptcp_recvmsg", fe_mptcp_receive_ends_v7)

/* kTLS (a module) and sockmap stand before TCP as well. What kTLS gives it has decrypted right into user memory, or
 * into a packet from which it is then copied. */
static __always_inline int fe_tls_send_begins_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, layered_send_begins(ctx[0], ctx[1]));
}

FOUR_COPIES("fentry/tls_sw_sendmsg", fe_tls_send_begins)

static __always_inline int fe_tls_send_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_send(ctx[0], ctx[1], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tls_sw_sendmsg", fe_tls_send_ends)

static __always_inline int fe_sockmap_send_begins_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, layered_send_begins(ctx[0], ctx[1]));
}

FOUR_COPIES("fentry/tcp_bpf_sendmsg", fe_sockmap_send_begins)

static __always_inline int fe_sockmap_send_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_send(ctx[0], ctx[1], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tcp_bpf_sendmsg", fe_sockmap_send_ends)

static __always_inline int fe_tls_receive_begins_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_begins_receive());
}

FOUR_COPIES("fentry/tls_sw_recvmsg", fe_tls_receive_begins)

/* Linux 5.11 to 5.18, with the arguments of tcp_recvmsg there. */
static __always_inline int fe_tls_receive_ends_v5_11_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[6], (__s32)ctx[4]));
}

FOUR_COPIES("fexit/tls_sw_recvmsg", fe_tls_receive_ends_v5_11)

/* Linux 5.19. */
static __always_inline int fe_tls_receive_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[5], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tls_sw_recvmsg", fe_tls_receive_ends)

/* Seen on Linux 7.2. */
static __always_inline int fe_tls_receive_ends_v7_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, function_ends_receive(ctx[0], (__s32)ctx[4], (__s32)ctx[3]));
}

FOUR_COPIES("fexit/tls_sw_recvmsg", fe_tls_receive_ends_v7)

SEC("fentry/skb_copy_ubufs")
int fe_copy_ubufs(__u64* ctx) {
    return function_copies(ctx, ctx[0], NETIO_COPIER_COPY_UBUFS);
}

SEC("fentry/__pskb_pull_tail")
int fe_pull_tail(__u64* ctx) {
    return function_pulls(ctx, ctx[0], (__s32)ctx[1]);
}

SEC("fentry/skb_segment")
int fe_segment(__u64* ctx) {
    return function_segments(ctx, ctx[0], ctx[1]);
}

SEC("fentry/skb_copy")
int fe_skb_copy(__u64* ctx) {
    return function_copies(ctx, ctx[0], NETIO_COPIER_SKB_COPY);
}

SEC("fentry/skb_copy_expand")
int fe_skb_copy_expand(__u64* ctx) {
    return function_copies(ctx, ctx[0], NETIO_COPIER_COPY_EXPAND);
}

/* Linux 5.17: bpf_loop, for a record that several copies see. Two of them everywhere: acknowledgements that came while
 * a call had the socket are handled by the task when the call ends (__release_sock), and a softirq that interrupts it
 * there brings those of other sockets. */
static __always_inline int fe_completes_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, complete_ubuf(ctx[0], true));
}

FOUR_COPIES("fentry/__msg_zerocopy_callback", fe_completes)

/* Linux 5.12. */
SEC("fentry/__msg_zerocopy_callback")
int fe_completes_v5_12(__u64* ctx) {
    return complete_ubuf(ctx[0], false);
}

/* Linux 5.10 and 5.11: sock_zerocopy_callback(uarg, success) has the same record at its last call. */
SEC("fentry/sock_zerocopy_callback")
int fe_completes_v5_10(__u64* ctx) {
    return complete_ubuf(ctx[0], false);
}

/* For kernels that inline __msg_zerocopy_callback (Debian's Linux 7.2). */
static __always_inline int fe_error_reported_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(functions_preempt, error_reported(ctx[0]));
}

FOUR_COPIES("fentry/sk_error_report", fe_error_reported)

#endif
