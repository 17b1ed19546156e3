/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets whose payload was copied into the linear area before they came to a device's queue: pulled by a filter, by the
 * firewall, by IPsec, or cut up for a process that the firewall asks. The queue sees no user pages any more. */
#ifndef NETIO_PULLED_H
#define NETIO_PULLED_H

#include "stacks.h"

#define PULLED_BYTES 2048U /* an area with room for payload, not for headers alone */

/* User pages that came to the queue as a copy. */
static __always_inline void count_as_queued(__u32 slot, __u32 bytes) {
    count(slot, NETIO_TRANSMIT_QUEUED, 1, bytes);
    count(slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
}

/* Who copied this packet: known by its area, else who did so with the socket's last one, or with any. */
static __always_inline struct maker maker_of(__u64 skb, struct netio_socket* socket) {
    __u64 head = (__u64)READ(struct sk_buff, skb, head);
    struct maker* known = bpf_map_lookup_elem(&made_heads, &head);
    struct maker by = {.stack = pulling_stack, .copier = pulling_copier};

    if (known) {
        socket->pulling_stack = known->stack;
        socket->pulling_copier = known->copier;
        bpf_map_delete_elem(&made_heads, &head);
    }
    if (socket->pulling_stack) {
        by.stack = socket->pulling_stack;
        by.copier = socket->pulling_copier;
    }
    return by;
}

/* The payload of this packet was copied into its linear area before it came to the queue. */
static __noinline int count_pulled(__u64 skb, __u64 device, __u32 slot, __u32 bytes) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    struct netio_late_key key = {.slot = slot, .direction = NETIO_TRANSMIT};
    struct maker by;

    if (!socket || !late_from_transmit)
        return 0;
    by = maker_of(skb, socket);
    key.device = device;
    key.stack = by.stack;
    key.copier = by.copier;
    key.user_pages = socket->zerocopy_used != 0;
    see_device(device);
    add_copy(0, &key, 1, bytes, 0);
    if (key.user_pages)
        count_as_queued(slot, bytes);
    return 0;
}

/* TCP puts payload into fragments. What comes without any, in an area that was made for payload, was copied; and so was
 * what fits into the area that each packet has, once larger packets are seen to be copied. */
static __always_inline bool was_pulled(const struct window* w, __u64 skb) {
    __u64 head;

    if (!pulling_stack)
        return false;
    head = (__u64)READ(struct sk_buff, skb, head);
    return w->linear_bytes < PULLED_BYTES || bpf_map_lookup_elem(&made_heads, &head);
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
