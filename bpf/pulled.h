/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets whose payload was pulled into the linear area before they came to a device's queue: by a filter, by the
 * firewall, by IPsec. The queue sees no user pages any more. */
#ifndef NETIO_PULLED_H
#define NETIO_PULLED_H

#include "stacks.h"

#define PULLED_BYTES 2048U /* an area with room for payload, not for headers alone */

/* User pages that came to the queue as a copy. */
static __always_inline void count_as_queued(__u32 slot, __u32 bytes) {
    count(slot, NETIO_TRANSMIT_QUEUED, 1, bytes);
    count(slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
}

/* Who pulled this packet: known by its area, else who did so with the socket's last one that was, or with any. */
static __always_inline __u32 stack_of_pull(const struct window* w, struct netio_socket* socket, bool known) {
    if (known)
        socket->pulling_stack = w->pulled_stack;
    return socket->pulling_stack ? socket->pulling_stack : pulling_stack;
}

/* The payload of this packet was pulled into its linear area before it came to the queue. */
static __noinline int count_pulled(struct window* w, __u64 skb, __u64 device, __u32 slot, __u32 bytes) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    struct netio_late_key key = {.slot = slot, .direction = NETIO_TRANSMIT, .copier = NETIO_COPIER_PULL_TAIL};

    if (!w || !socket || !late_from_transmit)
        return 0;
    key.device = device;
    key.stack = stack_of_pull(w, socket, (__u64)READ(struct sk_buff, skb, head) == w->pulled_head);
    key.user_pages = socket->zerocopy_used != 0;
    w->pulled_head = 0;
    see_device(device);
    add_copy(0, &key, 1, bytes, 0);
    if (key.user_pages)
        count_as_queued(slot, bytes);
    return 0;
}

/* TCP puts payload into fragments. What comes without any, in the area that was just made to pull a packet into, was
 * pulled; and so was what fits into the area that each packet has, once larger packets are seen to be pulled. */
static __always_inline bool was_pulled(const struct window* w, __u64 skb) {
    if (!pulling_stack)
        return false;
    return w->linear_bytes < PULLED_BYTES || (__u64)READ(struct sk_buff, skb, head) == w->pulled_head;
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
