/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet's way through the device layer, seen from tracepoints alone.
 *
 * A window opens when a packet of a traced socket is queued for a device or reaches a receiving stack, and lasts until
 * this CPU handles the next packet. Copies are found by what they leave behind: pages allocated under skb_copy_ubufs,
 * linear areas allocated under the functions that linearise, and payload that was in page fragments when the packet was
 * queued and is in the linear area when the driver gets it. The bytes come from the packet, the reason from the stack.
 */
#ifndef NETIO_WINDOW_H
#define NETIO_WINDOW_H

#include "opening.h"
#include "pulled.h"

#define WALKS_PER_WINDOW 3
#define PACKET_HOST 0
#define SEGMENT_BYTES 1024U /* an area with room for a segment's payload */

static __always_inline void open_window(struct window* w, __u64 skb, __u64 sk, __u64 device, __u32 slot,
                                        __u8 direction) {
    w->skb = skb;
    w->sk = sk;
    w->task = bpf_get_current_task();
    w->device = device;
    w->slot = slot;
    w->direction = direction;
    w->walks_left = WALKS_PER_WINDOW;
    w->pages_left = 0;
    w->linear_bytes = 0;
    w->given_bytes = 0;
    w->driver_skb = 0;
    w->driver_bytes = 0;
    w->driver_stack = 0;
    w->started = 0;
    w->page_copy.copier = NETIO_COPIER_UNKNOWN;
    w->head_copy.copier = NETIO_COPIER_UNKNOWN;
    w->armed = 1;
}

/* A packet of no traced socket: nothing that happens until the next packet is ours. */
static __always_inline void close_window(struct window* w, __u64 skb, __u64 sk, __u8 direction) {
    w->skb = skb;
    w->sk = sk;
    w->direction = direction;
    w->armed = 0;
}

/* The packet is queued once more: for the device below a tunnel, or by a router. It is the same packet, so what was
 * counted for the device above, or for an arrival that ended in no copy, is taken back. */
static __always_inline void take_back(struct window* w, __u32 slot, bool forwarded) {
    __u64 bytes = w->given_bytes;

    if (bytes && w->user_pages)
        count(slot, forwarded ? NETIO_RECEIVE_ZEROCOPY : NETIO_TRANSMIT_ZEROCOPY, -1ULL, -bytes);
}

/* A clone that was made on the way (tc's mirroring, a bridge that floods) names no socket; the user pages in it do. */
static __noinline __u32 slot_of_clone(__u64 skb) {
    __u64 info, uarg;

    if (!READ(struct sk_buff, skb, data_len))
        return NO_SLOT;
    info = shared_info(skb);
    uarg = has_user_pages(info) ? msgzc_of(info) : 0;
    return uarg ? known_slot(sender_of(uarg)) : NO_SLOT;
}

static __always_inline int transmit_queued(__u64 skb) {
    struct window* w = this_window();
    __u64 sk, info, device, top;
    bool same, arrived, handed_on, again, counted, uncopied, opening;
    __u32 slot, paged, headers, own_headers;

    if (!w || !measuring)
        return 0;
    paged = READ(struct sk_buff, skb, data_len);
    if (late_from_transmit && !paged)
        count_encrypted(skb, (__u64)READ(struct sk_buff, skb, dev));
    sk = (__u64)READ(struct sk_buff, skb, sk);
    opening = is_opening(sk);
    if (opening)
        connection_opens(sk, skb);
    same = w->armed && w->skb == skb;
    device = (__u64)READ(struct sk_buff, skb, dev);
    /* A new packet may have the address of one that is gone; but it came in from nowhere, and comes to the first
     * device. One that came through a bridge still names its sender on some kernels. */
    arrived = same && w->direction == NETIO_RECEIVE && READ(struct sk_buff, skb, skb_iif);
    handed_on = w->armed && w->driver_skb == skb; /* a segment, by the driver of a tunnel */
    again = (same || handed_on) && w->direction == NETIO_TRANSMIT && w->sk == sk && device != w->top_device;
    top = again ? w->top_device : device;
    counted = again && !w->paged_bytes;
    own_headers = headers = header_bytes(skb);
    if (arrived || again)
        slot = w->slot;
    else
        slot = sk ? known_slot(sk) : slot_of_clone(skb);
    if (slot == NO_SLOT && !sk && !paged && late_from_transmit)
        slot = slot_of_private(skb, device);
    if (slot == NO_SLOT) {
        close_window(w, skb, sk, NETIO_TRANSMIT);
        return 0;
    }
    info = shared_info(skb);
    uncopied = paged && has_user_pages(info) && msgzc_of(info);
    if (again || (arrived && uncopied))
        take_back(w, slot, arrived);
    if (w->armed && w->slot == slot) {
        if (!headers)
            headers = w->header_bytes;
        if (w->head_copy.copier)
            w->outer_head = w->head_copy;
    }
    open_window(w, skb, sk, device, slot, NETIO_TRANSMIT);
    w->header_bytes = headers;
    w->forwarded = arrived || (again && w->forwarded);
    w->top_device = top;
    w->paged_bytes = paged;
    w->linear_bytes = linear_payload(skb, paged, headers);
    w->user_pages = uncopied;
    if (!paged) {
        if (arrived) /* pulled or not: that stands among the arrivals */
            return 0;
        if (pulled_before(skb, device, slot) || counted || !late_from_transmit || opening)
            return 0;
        if (own_headers && w->linear_bytes)
            count_copied_before(skb, device, slot, w->linear_bytes);
        else if (!own_headers && is_encrypted(skb))
            encrypted_before(skb, device, slot);
        return 0;
    }
    if (uncopied && !arrived && !again) {
        count(slot, NETIO_TRANSMIT_QUEUED, 1, paged);
        if (!sk)
            count(slot, NETIO_TRANSMIT_CLONED, 1, paged);
    }
    return 0;
}

/* Payload that became linear between the queue and the driver has been copied: by whoever made the packet's area, or an
 * area of the packet that it is a part of. */
static __noinline int count_linear(struct window* w, __u64 skb, __u64 device, __u32 slot, __u32 bytes) {
    struct netio_late_key key = {};
    struct maker by;
    __u32 known;

    if (!w)
        return 0;
    known = w->slot == slot ? w->linear_bytes : 0;
    if (known > bytes)
        known = bytes;
    w->linear_bytes -= known;
    bytes -= known;
    if (!bytes)
        return 0;
    if (!w->forwarded)
        count(slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
    if (!late_from_transmit)
        return 0;
    if (take_maker(skb, &by)) {
        key.device = device;
        key.slot = slot;
        key.direction = NETIO_TRANSMIT;
        key.user_pages = w->user_pages;
        key.stack = by.stack;
        key.copier = by.copier;
        see_device(device);
    } else if (w->armed && w->slot == slot && w->head_copy.copier && w->head_copy.device == device) {
        key = w->head_copy;
    } else if (w->armed && w->outer_head.slot == slot && w->outer_head.copier && w->outer_head.device == device) {
        key = w->outer_head;
    } else {
        key.device = device;
        key.slot = slot;
        key.direction = NETIO_TRANSMIT;
        key.user_pages = w->user_pages;
        see_device(device);
    }
    add_copy(0, &key, 1, bytes, 0);
    return 0;
}

/* A packet with user pages is given to the driver. It may have waited in a queue while this CPU handled others. */
static __always_inline void given_to_driver(struct window* w, __u64 skb, __u64 sk, __u64 device, __u32 slot,
                                            __u32 paged) {
    bool current_packet = w->armed && w->slot == slot && w->direction == NETIO_TRANSMIT;

    if (!current_packet) {
        open_window(w, skb, sk, device, slot, NETIO_TRANSMIT);
        w->forwarded = 0;
        w->top_device = device;
        w->paged_bytes = paged;
        w->user_pages = 1;
    }
    w->driver_skb = skb;
    w->driver_bytes = paged;
    w->driver_stack = 0;
    w->head_bounced = 0;
    w->bounce_left = paged;
    w->walks_left = WALKS_PER_WINDOW;
    if (w->forwarded)
        return;
    count(slot, NETIO_TRANSMIT_ZEROCOPY, 1, paged);
    w->given_bytes = paged;
    note_for_encryption(skb, device, slot, paged);
}

/* The same for one that waited in a queue while this CPU handled others: what arrived here and goes on, which was not
 * counted when it was queued, is left alone. */
static __always_inline __u32 slot_of_late_clone(__u64 skb) {
    return READ(struct sk_buff, skb, skb_iif) ? NO_SLOT : slot_of_clone(skb);
}

static __always_inline int transmit_starts(__u64 skb, __u64 device) {
    struct window* w = this_window();
    __u32 slot, paged, linear, headers;
    __u64 sk, info;

    if (!w || !measuring)
        return 0;
    sk = (__u64)READ(struct sk_buff, skb, sk);
    if (w->skb == skb && w->sk == sk && w->direction == NETIO_TRANSMIT) /* mostly what was queued just now */
        slot = w->armed ? w->slot : NO_SLOT;
    else if (w->armed && w->direction == NETIO_TRANSMIT && w->sk == sk && (w->forwarded || !sk)) /* a segment of it */
        slot = w->slot;
    else
        slot = sk ? known_slot(sk) : slot_of_late_clone(skb);
    if (slot == NO_SLOT)
        return 0;
    paged = READ(struct sk_buff, skb, data_len);
    if (!paged && !late_from_transmit)
        bpf_map_delete_elem(&pulled_packets, &skb); /* pulled after it was queued */
    if (paged) {
        info = shared_info(skb);
        if (has_user_pages(info) && msgzc_of(info))
            given_to_driver(w, skb, sk, device, slot, paged);
    }
    w->started = 1;
    headers = header_bytes(skb);
    if (!headers && w->slot == slot)
        headers = w->header_bytes;
    linear = linear_payload(skb, paged, headers);
    if (linear)
        count_linear(w, skb, device, slot, linear);
    return 0;
}

static __always_inline void make_key(struct netio_late_key* key, const struct window* w, __u32 stack, __u8 copier) {
    key->device = w->device;
    key->slot = w->slot;
    key->stack = stack;
    key->direction = w->direction;
    key->copier = copier;
    key->user_pages = w->user_pages;
    key->page_exact = 0;
    key->pad = 0;
}

#define MORE_HEADERS 64 /* before the packet's own: of virtio */

/* While a driver has a packet it maps its parts for the device. A part that the device cannot reach is copied to where
 * it can: first the linear area, which has the headers, then the payload. What arrives is mapped as well. */
static __always_inline int part_bounced(void* ctx, __u64 bytes) {
    struct window* w = this_window();
    struct netio_event* stack = scratch_stack();
    struct netio_late_key key;
    __u64 skb;

    if (!w || !stack || !measuring || !w->armed || w->direction != NETIO_TRANSMIT || !w->bounce_left ||
        !w->driver_bytes || w->task != bpf_get_current_task())
        return 0;
    skb = w->driver_skb;
    if (!w->head_bounced && bytes <= READ(struct sk_buff, skb, len) - w->driver_bytes + MORE_HEADERS) {
        w->head_bounced = 1;
        return 0;
    }
    if (bytes > w->bounce_left)
        bytes = w->bounce_left;
    w->bounce_left -= bytes;
    walk_stack(ctx, stack, PAGE_WALK);
    make_key(&key, w, hash_frames(stack, 0, PAGE_WALK), NETIO_COPIER_BOUNCE);
    key.user_pages = 1;
    add_copy(ctx, &key, 1, bytes, 0);
    return 0;
}

/* A packet for this machine. One that is addressed to another device may yet be delivered to it (macvlan), which shows
 * when it is copied; or it goes through a bridge, or is dropped. */
static __always_inline void count_arrival(struct window* w) {
    if (w->direction != NETIO_RECEIVE || w->given_bytes)
        return;
    w->given_bytes = w->paged_bytes;
    count(w->slot, NETIO_RECEIVE_ZEROCOPY, 1, w->paged_bytes);
}

/* Only packets with user pages are followed on the receiving side: what else is copied there, the receive call copies.
 */
static __always_inline int receive_starts(__u64 skb) {
    struct window* w = this_window();
    __u64 info, uarg = 0;
    __u32 slot, paged;

    if (!w || !measuring)
        return 0;
    paged = READ(struct sk_buff, skb, data_len);
    if (paged) {
        info = shared_info(skb);
        if (has_user_pages(info))
            uarg = msgzc_of(info);
    }
    slot = uarg ? known_slot(sender_of(uarg)) : NO_SLOT;
    if (slot == NO_SLOT) {
        close_window(w, skb, 0, NETIO_RECEIVE);
        return 0;
    }
    open_window(w, skb, 0, (__u64)READ(struct sk_buff, skb, dev), slot, NETIO_RECEIVE);
    w->paged_bytes = paged;
    w->user_pages = 1;
    w->forwarded = 0;
    if (READ_BITFIELD(struct sk_buff, skb, pkt_type) == PACKET_HOST)
        count_arrival(w);
    return 0;
}

/* A stack with skb_copy_ubufs on it: the whole fragment part of the packet is being copied (skb_copy_ubufs copies all
 * or fails). Before the driver has it that is the packet as it was queued, one copy of its clone for each call stack,
 * for the segments of one packet share a window; in the driver it is the segment. */
static __noinline int page_copy_found(void* ctx, struct window* w, __u32 hash, __u32 pages) {
    struct netio_late_key key;
    bool before, again;
    __u64 skb, device;
    __u32 bytes;

    if (!w)
        return 0;
    make_key(&key, w, hash, NETIO_COPIER_COPY_UBUFS);
    /* A device may have handed the packet on to one that lies on it (macvlan). */
    skb = w->skb;
    device = (__u64)READ(struct sk_buff, skb, dev);
    if (device && w->direction == NETIO_RECEIVE && READ(struct sk_buff, skb, data_len) == w->paged_bytes)
        key.device = device;
    before = w->page_copy.copier && w->page_copy.stack == hash;
    again = before || (w->driver_bytes && w->driver_stack == hash);
    w->copying = key;
    if (again) {
        add_copy(ctx, &key, 0, 0, pages);
        return 0;
    }
    count_arrival(w);
    bytes = w->driver_bytes ? w->driver_bytes : w->paged_bytes;
    if (w->driver_bytes)
        w->driver_stack = hash;
    else
        w->page_copy = key;
    w->pages_left = (bytes + pages * page_bytes - 1) / (pages * page_bytes) - 1;
    add_copy(ctx, &key, 1, bytes, pages);
    return 0;
}

static __always_inline int page_allocated(void* ctx, struct window* w, __u32 order) {
    struct copying_stack stack;
    struct netio_late_key key;
    __u32 pages = 1U << (order & 15);

    if (!w->armed || !w->user_pages || !measuring)
        return 0;
    if (w->pages_left) {
        w->pages_left -= 1;
        key = w->copying;
        add_copy(0, &key, 0, 0, pages);
        return 0;
    }
    if (!w->walks_left)
        return 0;
    stack = stack_above(ctx, PAGE_WALK);
    if (stack.copier != NETIO_COPIER_COPY_UBUFS) {
        w->walks_left -= 1;
        return 0;
    }
    return page_copy_found(ctx, w, stack.hash, pages);
}

/* The kernel does not run a tracing program that is running on the same CPU already. So a packet that arrives while
 * this program looks at an allocation of the interrupted task would lose its copy. Two programs hang on the tracepoint:
 * the first takes what it sees and leaves the page's address, the second takes what the first had to miss. */
static __always_inline int page_allocated_first(void* ctx, __u64 page, __u32 order) {
    struct window* w = this_window();

    if (!w)
        return 0;
    w->page = page;
    return page_allocated(ctx, w, order);
}

static __always_inline int page_allocated_second(void* ctx, __u64 page, __u32 order) {
    struct window* w = this_window();

    if (!w)
        return 0;
    if (w->page == page) {
        w->page = 0; /* the same page may be allocated again at once */
        return 0;
    }
    return page_allocated(ctx, w, order);
}

#endif
