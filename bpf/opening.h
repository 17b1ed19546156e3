/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections that a send call opens with data in their first packet (TCP Fast Open, RFC 7413).
 *
 * tcp_send_syn_data copies what fits into that packet, whatever the flags of the call. With MSG_FASTOPEN the rest of
 * the call is copied as well; after TCP_FASTOPEN_CONNECT it is pinned. The packet shows all of that on every kernel:
 * where it comes to a device's queue the call is in the kernel, has its number, and has not gone on. */
#ifndef NETIO_OPENING_H
#define NETIO_OPENING_H

#include "completion.h"

#define TCP_SYN_SENT 2

/* Whether the socket of a packet has sent the first one of its connection and has no answer. */
static __always_inline bool is_opening(__u64 sk) {
    return sk && READ_BITFIELD(struct sock, sk, __sk_common.skc_state) == TCP_SYN_SENT;
}

/* The slot of a socket that had no ports yet when its call began, by which it would be known. */
static __always_inline __u32 slot_with_ports(struct netio_task* task, __u64 sk) {
    struct netio_socket_ref* ref = bpf_map_lookup_elem(&socket_refs, &sk);
    struct netio_socket* socket;
    __u32 slot;

    if (!ref || !task->msg || task->sk != sk || task->slot != ref->slot)
        return NO_SLOT;
    slot = ref->slot;
    socket = bpf_map_lookup_elem(&sockets, &slot);
    if (!socket || socket->remote_port)
        return NO_SLOT;
    ref->portpair = portpair_of(sk);
    describe_ends(socket, sk);
    return slot;
}

/* A call that is in this packet as a whole: the kernel keeps nothing of it, but the ubuf_info knows whether it was to
 * be copied (MSG_FASTOPEN). */
static __always_inline void whole_send_begins(struct netio_task* task, __u64 sk, __u64 request, __u64 skb) {
    __u64 info = shared_info(skb);
    __u64 uarg = has_user_pages(info) ? msgzc_of(info) : 0;
    __u32 slot = uarg ? slot_of(task, sk) : NO_SLOT;

    if (slot == NO_SLOT)
        return;
    task->msg = request;
    task->send_began = 1;
    task->kind = record_of(uarg).kept ? NETIO_SEND_PINNED : NETIO_SEND_FAST_OPEN;
    note_position(task, sk, slot, task->kind, READ(struct sock, sk, sk_zckey.counter) - 1);
}

/* The slot of the socket whose call opens a connection. Where the begin of calls is seen in their loop only, this one
 * begins here. */
static __always_inline __u32 slot_of_opener(struct netio_task* task, __u64 sk, __u64 skb) {
    __u32 slot = known_slot(sk);
    __u64 request, message;

    if (slot != NO_SLOT || !task)
        return slot;
    slot = slot_with_ports(task, sk);
    request = (__u64)READ(struct tcp_sock, sk, fastopen_req);
    if (slot != NO_SLOT || task->msg || !request)
        return slot;
    message = (__u64)READ(struct tcp_fastopen_request, request, data);
    if (message)
        send_begins(sk, message, true);
    else
        whole_send_begins(task, sk, request, skb);
    return known_slot(sk);
}

/* A socket's stream begins where its first packet says: the number that the call found in the socket was that of no
 * connection yet, or did not count this packet, which takes one. */
static __always_inline void move_to_start(struct netio_task* task, struct netio_socket* socket, __u64 sk,
                                          __u32 payload) {
    __u32 difference = write_sequence(sk) - payload - socket->last_sequence;

    socket->plain_position += difference;
    socket->last_sequence += difference;
    if (task && task->sk == sk)
        task->start_sequence += difference;
}

/* When it is sent again, it goes without data, and what was in it follows as any data does. */
static __noinline int connection_opens(__u64 sk, __u64 skb) {
    struct netio_task* task = traced_task();
    struct netio_socket* socket;
    __u32 slot, payload;
    __u64 info;

    if (!is_tcp(sk) || READ(struct inet_connection_sock, sk, icsk_ulp_ops)) /* a path of Multipath TCP */
        return 0;
    slot = slot_of_opener(task, sk, skb);
    if (slot == NO_SLOT)
        return 0;
    socket = bpf_map_lookup_elem(&sockets, &slot);
    if (!socket || socket->opened || !socket->zerocopy_used)
        return 0;
    socket->opened = 1;
    payload = READ(struct sk_buff, skb, len) - header_bytes(skb);
    move_to_start(task, socket, sk, payload);
    info = shared_info(skb);
    if (socket->last_kind == NETIO_SEND_PINNED && has_user_pages(info) && msgzc_of(info))
        socket->syn_bytes = payload;
    return 0;
}

#endif
