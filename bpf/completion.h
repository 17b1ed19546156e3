/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's own record of each range of zero-copy calls, taken before notifications are merged: how many calls, how
 * many bytes, and whether the zerocopy bit survived. */
#ifndef NETIO_COMPLETION_H
#define NETIO_COMPLETION_H

#include "packet.h"
#include "send.h"

#define SO_EE_ORIGIN_ZEROCOPY 5
#define SO_EE_CODE_ZEROCOPY_COPIED 1

/* The position after call `id`. Where a later call has begun, it began there; where the call has returned, that is
 * known; else the call is still in the kernel and has taken all that it will take, for its reference to the ubuf_info
 * is the last to go. write_seq is read first: if neither is known afterwards, no other call can have moved it. */
static __always_inline __u32 position_after(struct netio_socket* socket, __u64 sk, __u32 slot, __u32 id) {
    __u32 now = write_sequence(sk) - *(volatile __u32*)&socket->plain_position;
    struct netio_call* next = call_entry(slot, id + 1);

    if (next && next->id == id + 1)
        return next->position;
    if (socket->end_id == id)
        return socket->end_position;
    return now;
}

/* Takes the record of a call for the one that counts it. */
static __always_inline bool claim(struct netio_call* call) {
    return !__sync_val_compare_and_swap(&call->accounted, 0, 1);
}

static __always_inline int complete_range(__u64 sk, __u32 first, __u32 last, __u32 copied, bool seen_twice) {
    __u32 slot = known_slot(sk);
    __u32 site = copied ? NETIO_COMPLETED_COPIED : NETIO_COMPLETED_ZEROCOPY;
    struct netio_socket* socket;
    struct netio_call* call;

    if (slot == NO_SLOT || !measuring)
        return 0;
    socket = bpf_map_lookup_elem(&sockets, &slot);
    call = call_entry(slot, first);
    if (!socket || !call)
        return 0;
    if (call->id != first) {
        count(slot, NETIO_COMPLETED_UNRESOLVED, last - first + 1, 0);
        return 0;
    }
    if (seen_twice && !claim(call))
        return 0;
    count(slot, site, last - first + 1, position_after(socket, sk, slot, last) - call->position);
    return 0;
}

/* Two tracepoints may show the same record on two CPUs. */
static __noinline int complete_calls(__u64 sk, __u32 first, __u32 last, __u32 copied) {
    return complete_range(sk, first, last, copied, true);
}

/* The callback runs once a record, so nothing needs to be claimed: Linux 5.10 and 5.11 refuse a program with a
 * compare-and-swap even where it is dead code. */
static __noinline int complete_calls_once(__u64 sk, __u32 first, __u32 last, __u32 copied) {
    return complete_range(sk, first, last, copied, false);
}

/* A notification as it stands in the control block of a packet on the error queue (struct sock_exterr_skb). */
static __always_inline int complete_notification(__u64 sk, __u64 notification) {
    __u64 serr = notification + bpf_core_field_offset(struct sk_buff, cb);

    if (READ(struct sock_exterr_skb, serr, ee.ee_origin) != SO_EE_ORIGIN_ZEROCOPY)
        return 0;
    return complete_calls(sk, READ(struct sock_exterr_skb, serr, ee.ee_info),
                          READ(struct sock_exterr_skb, serr, ee.ee_data),
                          READ(struct sock_exterr_skb, serr, ee.ee_code) & SO_EE_CODE_ZEROCOPY_COPIED);
}

/* A ubuf_info as __msg_zerocopy_callback gets it. */
static __always_inline int complete_ubuf(__u64 uarg, bool seen_twice) {
    __u64 sk = sender_of(uarg);
    __u32 first, calls_covered;
    bool kept;

    if (!measuring)
        return 0;
    if (bpf_core_type_exists(struct ubuf_info_msgzc)) {
        first = READ(struct ubuf_info_msgzc, uarg, id);
        calls_covered = READ(struct ubuf_info_msgzc, uarg, len);
        kept = READ_BITFIELD(struct ubuf_info_msgzc, uarg, zerocopy);
    } else {
        first = READ(struct ubuf_info___one_type, uarg, id);
        calls_covered = READ(struct ubuf_info___one_type, uarg, len);
        kept = READ_BITFIELD(struct ubuf_info___one_type, uarg, zerocopy);
    }
    if (!calls_covered) /* one call, aborted: its id was given back */
        return 0;
    return seen_twice ? complete_calls(sk, first, first + calls_covered - 1, !kept)
                      : complete_calls_once(sk, first, first + calls_covered - 1, !kept);
}

/* sk_error_report: the newest notification is the last of the queue. An older one that was extended by a merge has been
 * counted when it was new; the merged record shows itself when it is freed. */
static __always_inline int error_reported(__u64 sk) {
    __u64 queue, newest;

    if (!measuring || known_slot(sk) == NO_SLOT)
        return 0;
    queue = sk + bpf_core_field_offset(struct sock, sk_error_queue);
    newest = (__u64)READ(struct sk_buff_head, queue, prev);
    if (!newest || newest == queue)
        return 0;
    return complete_notification(sk, newest);
}

/* consume_skb, by the address it was called from: __msg_zerocopy_callback frees a notification that it merged into
 * another one (or the bare ubuf_info, where the socket is dead); the readers of the error queue free what they read. */
static __always_inline int packet_consumed(__u64 skb, __u64 location) {
    bool by_reader = within(&error_readers[0], location) || within(&error_readers[1], location);
    __u64 sk;

    if (!measuring || !skb || (!by_reader && !within(&notifier, location)))
        return 0;
    sk = (__u64)READ(struct sk_buff, skb, sk);
    if (!by_reader &&
        READ(struct sock, sk, __sk_common.skc_flags) & (1ULL << bpf_core_enum_value(enum sock_flags, SOCK_DEAD)))
        return complete_ubuf(ADDRESS(struct sk_buff, skb, cb), true);
    return complete_notification(sk, skb);
}

#endif
