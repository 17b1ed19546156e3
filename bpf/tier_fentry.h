/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stubs on function entry and exit through BPF trampolines (Linux 5.5). */
#ifndef NETIO_TIER_FENTRY_H
#define NETIO_TIER_FENTRY_H

#include "completion.h"
#include "functions.h"
#include "preemption.h"
#include "receive.h"

SEC("fentry/tcp_sendmsg_locked")
int fe_send_begins(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, ctx[2] ? send_begins(ctx[0], ctx[1], false) : 0);
}

SEC("fexit/tcp_sendmsg_locked")
int fe_send_ends(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, send_ends(ctx[0], (__s32)ctx[3]));
}

SEC("fentry/skb_copy_datagram_iter")
int fe_receive_copies(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, receive_copies((__s32)ctx[3]));
}

/* Linux 5.10 to 5.18: tcp_recvmsg(sk, msg, len, nonblock, flags, addr_len). */
SEC("fexit/tcp_recvmsg")
int fe_receive_ends_v5_10(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, receive_ends(ctx[0], (__s32)ctx[6], (__s32)ctx[4]));
}

/* Linux 5.19: tcp_recvmsg(sk, msg, len, flags, addr_len). */
SEC("fexit/tcp_recvmsg")
int fe_receive_ends(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, receive_ends(ctx[0], (__s32)ctx[5], (__s32)ctx[3]));
}

/* Seen on Linux 7.2: tcp_recvmsg(sk, msg, len, flags). */
SEC("fexit/tcp_recvmsg")
int fe_receive_ends_v7(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, receive_ends(ctx[0], (__s32)ctx[4], (__s32)ctx[3]));
}

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
    return function_copies(ctx, ctx[0], NETIO_COPIER_SKB_COPY);
}

/* Linux 6.8: skb_pp_cow_data(pool, pskb, headroom). */
SEC("fentry/skb_pp_cow_data")
int fe_cow_data(__u64* ctx) {
    return function_copies_at(ctx, ctx[1], NETIO_COPIER_COW_DATA);
}

/* Linux 5.12. */
SEC("fentry/__msg_zerocopy_callback")
int fe_completes(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, complete_ubuf(ctx[0]));
}

/* Linux 5.10 and 5.11: sock_zerocopy_callback(uarg, success) has the same record at its last call. */
SEC("fentry/sock_zerocopy_callback")
int fe_completes_v5_10(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, complete_ubuf(ctx[0]));
}

/* For kernels that inline __msg_zerocopy_callback (Debian's Linux 7.2). */
SEC("fentry/sk_error_report")
int fe_error_reported(__u64* ctx) {
    return ON_ONE_CPU(functions_preempt, error_reported(ctx[0]));
}

#endif
