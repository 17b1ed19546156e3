/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stubs on tracepoints with BTF (tp_btf): they work where fentry and kprobes are refused. */
#ifndef NETIO_TIER_TRACEPOINT_H
#define NETIO_TIER_TRACEPOINT_H

#include "areas.h"
#include "completion.h"
#include "preemption.h"
#include "receive.h"
#include "send.h"
#include "syscalls.h"

/* Linux 6.16. Fires once a turn of the loop in tcp_sendmsg_locked, after the call got its completion number. */
static __always_inline int tp_send_begins_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(tracepoints_preempt, send_begins(ctx[0], ctx[1], true));
}

FOUR_COPIES("tp_btf/tcp_sendmsg_locked", tp_send_begins)

/* Before Linux 6.16. */
SEC("tp_btf/sys_enter")
int tp_syscall_enters(__u64* ctx) {
    return syscall_enters(ctx[0], (__s64)ctx[1]);
}

/* Before Linux 6.3. */
SEC("tp_btf/sys_exit")
int tp_send_returns(__u64* ctx) {
    return send_returns(ctx[0], (__s64)ctx[1]);
}

SEC("tp_btf/sys_exit")
int tp_receive_returns(__u64* ctx) {
    return receive_returns(ctx[0], (__s64)ctx[1]);
}

/* Linux 6.3. */
static __always_inline int tp_send_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(tracepoints_preempt, falls_to(copy, SEEN_SEND_END) ? send_ends(ctx[0], 0, (__s32)ctx[1]) : 0);
}

FOUR_COPIES("tp_btf/sock_send_length", tp_send_ends)

static __always_inline int tp_receive_copies_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(tracepoints_preempt, falls_to(copy, SEEN_RECEIVE_COPY) ? receive_copies((__s32)ctx[1]) : 0);
}

FOUR_COPIES("tp_btf/skb_copy_datagram_iovec", tp_receive_copies)

/* Linux 6.3. */
static __always_inline int tp_receive_ends_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(tracepoints_preempt,
                      falls_to(copy, SEEN_RECEIVE_END) ? receive_ends(ctx[0], (__s32)ctx[1], (__s32)ctx[2]) : 0);
}

FOUR_COPIES("tp_btf/sock_recv_length", tp_receive_ends)

SEC("tp_btf/net_dev_queue")
int tp_transmit_queued(__u64* ctx) {
    return transmit_queued(ctx[0]);
}

SEC("tp_btf/net_dev_start_xmit")
int tp_transmit_starts(__u64* ctx) {
    return transmit_starts(ctx[0], ctx[1]);
}

SEC("tp_btf/netif_receive_skb")
int tp_receive_starts(__u64* ctx) {
    return receive_starts(ctx[0]);
}

SEC("tp_btf/mm_page_alloc")
int tp_page_allocated(__u64* ctx) {
    return page_allocated_first(ctx, ctx[0], (__u32)ctx[1]);
}

/* Must be attached after the one above: programs on a tracepoint run in the order of their attachment. */
SEC("tp_btf/mm_page_alloc")
int tp_page_allocated_2(__u64* ctx) {
    return page_allocated_second(ctx, ctx[0], (__u32)ctx[1]);
}

SEC("tp_btf/kmalloc")
int tp_memory_allocated(__u64* ctx) {
    return memory_allocated(ctx, ctx[0], ctx[2]);
}

/* Before Linux 6.1 allocations with a NUMA node had a tracepoint of their own. */
SEC("tp_btf/kmalloc_node")
int tp_node_memory_allocated(__u64* ctx) {
    return memory_allocated(ctx, ctx[0], ctx[2]);
}

/* Linux 5.14. */
static __always_inline int tp_error_reported_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(tracepoints_preempt, error_reported(ctx[0]));
}

FOUR_COPIES("tp_btf/inet_sk_error_report", tp_error_reported)

static __always_inline int tp_packet_consumed_in(__u64* ctx, __u32 copy) {
    return ON_ONE_CPU(tracepoints_preempt, packet_consumed(ctx[0], true));
}

/* Two of them everywhere: the second sees what the first misses when it is interrupted. A call is counted once, whoever
 * sees its record. */
FOUR_COPIES("tp_btf/consume_skb", tp_packet_consumed)

/* The location is given since Linux 6.3. */
SEC("tp_btf/consume_skb")
int tp_packet_rebuilt(__u64* ctx) {
    return measuring && within(&copiers[NETIO_COPIER_COW_DATA], ctx[1]) ? packet_rebuilt(ctx, ctx[0], true) : 0;
}

SEC("tp_btf/consume_skb")
int tp_packet_rebuilt_v5_10(__u64* ctx) {
    return measuring ? packet_rebuilt(ctx, ctx[0], false) : 0;
}

/* Before Linux 5.17, which brought bpf_loop. */
SEC("tp_btf/consume_skb")
int tp_packet_consumed_v5_10(__u64* ctx) {
    return packet_consumed(ctx[0], false);
}

SEC("tp_btf/consume_skb")
int tp_packet_consumed_v5_10_2(__u64* ctx) {
    return packet_consumed(ctx[0], false);
}

SEC("tp_btf/swiotlb_bounced")
int tp_part_bounced(__u64* ctx) {
    return part_bounced(ctx, ctx[2]);
}

static __always_inline int retransmitted(__u64 sk, __u64 skb) {
    __u32 slot = known_slot(sk);

    if (slot == NO_SLOT || !measuring)
        return 0;
    count(slot, NETIO_RETRANSMITTED, 1, READ(struct sk_buff, skb, len));
    if (late_from_transmit)
        count_untold(slot, READ(struct sk_buff, skb, len));
    return 0;
}

/* Linux 5.10 to 6.16: only packets that went out. */
SEC("tp_btf/tcp_retransmit_skb")
int tp_retransmitted_v5_10(__u64* ctx) {
    return retransmitted(ctx[0], ctx[1]);
}

/* Linux 6.17: those that could not go out as well, with the error. */
SEC("tp_btf/tcp_retransmit_skb")
int tp_retransmitted(__u64* ctx) {
    return (__s32)ctx[2] ? 0 : retransmitted(ctx[0], ctx[1]);
}

#endif
