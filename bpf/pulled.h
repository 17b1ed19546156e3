/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets whose payload was copied into the linear area before they came to a device's queue: pulled by a filter, by
 * the firewall, by IPsec, or cut up for a process that the firewall asks. The queue sees no user pages any more. */
#ifndef NETIO_PULLED_H
#define NETIO_PULLED_H

#include "stacks.h"

#define PULLED_BYTES 2048U /* an area with room for payload, not for headers alone */

/* Copies the whole packet for somebody. */
static __always_inline bool makes_private(__u32 copier) {
    return copier == NETIO_COPIER_SKB_COPY || copier == NETIO_COPIER_COPY_EXPAND;
}

#define SLOTS_SEARCHED 64

/* The traced socket that a packet has the ports of, in the namespace of this device. */
static __noinline __u32 slot_by_ports(__u64 transport, __u64 device) {
    __u16 source = __builtin_bswap16(READ_ON_WIRE(struct tcphdr, transport, source));
    __u16 destination = __builtin_bswap16(READ_ON_WIRE(struct tcphdr, transport, dest));
    __u64 net = (__u64)READ(struct net_device, device, nd_net.net);
    __u32 netns = READ(struct net, net, ns.inum);

    for (__u32 slot = 0; slot < SLOTS_SEARCHED; slot++) {
        __u32 key = slot;
        struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &key);

        if (!socket)
            break;
        if (socket->zerocopy_used && socket->local_port == source && socket->remote_port == destination &&
            socket->netns == netns)
            return slot;
    }
    return NO_SLOT;
}

/* A private copy names no socket, even before it comes to its first device. */
static __noinline __u32 slot_of_private(__u64 skb, __u64 device) {
    __u64 head = (__u64)READ(struct sk_buff, skb, head);
    const struct maker* known = bpf_map_lookup_elem(&made_heads, &head);

    if (!known || !makes_private(known->copier) || !header_bytes(skb))
        return NO_SLOT;
    return slot_by_ports(head + READ(struct sk_buff, skb, transport_header), device);
}

/* User pages that came to the queue as a copy. */
static __always_inline void count_as_queued(__u32 slot, __u32 bytes) {
    count(slot, NETIO_TRANSMIT_QUEUED, 1, bytes);
    count(slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
}

/* Who made the linear area of this packet; false where that is not known. An area is looked up once. */
static __always_inline bool take_maker(__u64 skb, struct maker* by) {
    __u64 head = (__u64)READ(struct sk_buff, skb, head);
    const struct maker* known = bpf_map_lookup_elem(&made_heads, &head);

    if (!known)
        return false;
    *by = *known;
    bpf_map_delete_elem(&made_heads, &head);
    return true;
}

/* Who copied this packet: known by its area. What fits into the area that each packet has was pulled all the same, once
 * larger packets are seen to be: by whom the socket's last one was, or any. */
static __always_inline bool was_copied_before(__u64 skb, struct netio_socket* socket, __u32 bytes, struct maker* by) {
    if (take_maker(skb, by)) {
        if (by->copier == NETIO_COPIER_PULL_TAIL || !socket->pulling_stack) {
            socket->pulling_stack = by->stack;
            socket->pulling_copier = by->copier;
        }
        return true;
    }
    by->stack = socket->pulling_stack;
    by->copier = socket->pulling_copier;
    if (by->copier != NETIO_COPIER_PULL_TAIL && pulling_stack) {
        by->stack = pulling_stack;
        by->copier = NETIO_COPIER_PULL_TAIL;
    }
    return by->stack && bytes < PULLED_BYTES;
}

static __noinline int add_copied_before(struct netio_socket* socket, __u64 device, __u32 slot, __u32 bytes,
                                        const struct maker* by) {
    struct netio_late_key key = {.slot = slot, .direction = NETIO_TRANSMIT};

    if (!socket || !by)
        return 0;
    key.device = device;
    key.stack = by->stack;
    key.copier = by->copier;
    key.user_pages = socket->zerocopy_used != 0;
    see_device(device);
    add_copy(0, &key, 1, bytes, 0);
    if (key.user_pages)
        count_as_queued(slot, bytes);
    return 0;
}

/* TCP puts payload into fragments. What comes to the queue without any has been copied into its linear area. */
static __noinline int count_copied_before(__u64 skb, __u64 device, __u32 slot, __u32 bytes) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    struct maker by = {};

    if (socket && was_copied_before(skb, socket, bytes, &by))
        add_copied_before(socket, device, slot, bytes, &by);
    return 0;
}

/* The same for a packet that IPsec has encrypted. Where it is sent again, TCP tells at once which one it was. */
static __noinline int encrypted_before(__u64 skb, __u64 device, __u32 slot) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    __u32 payload = encrypted_payload(skb);
    struct maker by = {};

    if (!socket)
        return 0;
    socket->untold_device = 0;
    if (payload)
        return count_copied_before(skb, device, slot, payload);
    if (was_copied_before(skb, socket, PULLED_BYTES, &by))
        socket->untold_device = device;
    return 0;
}

static __noinline int count_untold(__u32 slot, __u32 bytes) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    struct maker by = {};

    if (!socket || !socket->untold_device)
        return 0;
    by.stack = socket->pulling_stack;
    by.copier = socket->pulling_copier;
    add_copied_before(socket, socket->untold_device, slot, bytes, &by);
    socket->untold_device = 0;
    return 0;
}

#define ARPHRD_NONE 0xfffe             /* a device without a link layer */
#define WIREGUAR 0x7261756765726977ULL /* the first 8 letters */

static __always_inline bool is_wireguard(__u64 device) {
    __u64 ops = (__u64)READ(struct net_device, device, rtnl_link_ops);

    return ops && word_at((__u64)READ(struct rtnl_link_ops, ops, kind)) == WIREGUAR;
}

/* WireGuard encrypts what it gets, in the packet itself, and sends it through another device. */
static __noinline int note_for_encryption(__u64 skb, __u64 device, __u32 slot, __u32 bytes) {
    struct pulled pulled = {.device = device, .bytes = bytes, .slot = slot};

    if (late_from_transmit && READ(struct net_device, device, type) == ARPHRD_NONE && is_wireguard(device))
        bpf_map_update_elem(&pulled_packets, &skb, &pulled, BPF_ANY);
    return 0;
}

/* A packet that such a device got in user pages comes to the queue of another one without any: it was pulled to be
 * encrypted. What is on the wire now does not tell its payload. */
static __noinline int count_encrypted(__u64 skb, __u64 device) {
    struct netio_late_key key = {.direction = NETIO_TRANSMIT, .copier = NETIO_COPIER_PULL_TAIL, .user_pages = 1};
    struct pulled* pulled = bpf_map_lookup_elem(&pulled_packets, &skb);
    struct maker by = {.stack = pulling_stack};

    if (!pulled)
        return 0;
    key.device = pulled->device;
    key.slot = pulled->slot;
    if (key.device != device && READ(struct sk_buff, skb, len) >= pulled->bytes) {
        take_maker(skb, &by);
        key.stack = by.stack;
        see_device(key.device);
        add_copy(0, &key, 1, pulled->bytes, 0);
    }
    bpf_map_delete_elem(&pulled_packets, &skb);
    return 0;
}

/* Whether the packet was pulled on its way to the queue, where such functions are seen: then it is counted. A device
 * that pulls (WireGuard) got the packet from a queue of its own. */
static __always_inline bool pulled_before(__u64 skb, __u64 device, __u32 slot) {
    struct pulled* pulled = late_from_transmit ? 0 : bpf_map_lookup_elem(&pulled_packets, &skb);

    if (!pulled)
        return false;
    if (!pulled->device || pulled->device == device)
        count_as_queued(slot, pulled->bytes);
    bpf_map_delete_elem(&pulled_packets, &skb);
    return true;
}

#endif
