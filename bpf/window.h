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

#include "stacks.h"

#define PAGE_BYTES 4096
#define WALKS_PER_WINDOW 3

static __always_inline void open_window(struct window* w, __u64 skb, __u64 sk, __u64 device, __u32 slot,
                                        __u8 direction) {
    w->skb = skb;
    w->sk = sk;
    w->device = device;
    w->slot = slot;
    w->direction = direction;
    w->walks_left = WALKS_PER_WINDOW;
    w->pages_left = 0;
    w->linear_bytes = 0;
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

static __always_inline int transmit_queued(__u64 skb) {
    struct window* w = this_window();
    __u64 sk, info;
    __u32 slot, paged;

    if (!w || !measuring)
        return 0;
    sk = (__u64)READ(struct sk_buff, skb, sk);
    slot = known_slot(sk);
    if (slot == NO_SLOT) {
        close_window(w, skb, sk, NETIO_TRANSMIT);
        return 0;
    }
    paged = READ(struct sk_buff, skb, data_len);
    open_window(w, skb, sk, (__u64)READ(struct sk_buff, skb, dev), slot, NETIO_TRANSMIT);
    w->paged_bytes = paged;
    w->linear_bytes = linear_payload(skb, paged);
    w->user_pages = 0;
    if (!paged)
        return 0;
    info = shared_info(skb);
    if (has_user_pages(info) && msgzc_of(info)) {
        w->user_pages = 1;
        count(slot, NETIO_TRANSMIT_QUEUED, 1, paged);
    }
    return 0;
}

/* Payload that became linear between the queue and the driver has been copied. */
static __noinline int count_linear(struct window* w, __u64 device, __u32 slot, __u32 bytes) {
    struct netio_late_key key = {};
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
    count(slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
    if (!late_from_transmit)
        return 0;
    if (w->armed && w->slot == slot && w->head_copy.copier) {
        key = w->head_copy;
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

static __always_inline int transmit_starts(__u64 skb, __u64 device) {
    struct window* w = this_window();
    __u32 slot, paged, linear;
    __u64 sk, info;

    if (!w || !measuring)
        return 0;
    sk = (__u64)READ(struct sk_buff, skb, sk);
    if (w->skb == skb && w->sk == sk && w->direction == NETIO_TRANSMIT) /* mostly what was queued just now */
        slot = w->armed ? w->slot : NO_SLOT;
    else
        slot = known_slot(sk);
    if (slot == NO_SLOT)
        return 0;
    paged = READ(struct sk_buff, skb, data_len);
    if (paged) {
        info = shared_info(skb);
        if (has_user_pages(info) && msgzc_of(info))
            count(slot, NETIO_TRANSMIT_ZEROCOPY, 1, paged);
    }
    linear = linear_payload(skb, paged);
    if (linear)
        count_linear(w, device, slot, linear);
    return 0;
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
    count(slot, NETIO_RECEIVE_ZEROCOPY, 1, paged);
    open_window(w, skb, 0, (__u64)READ(struct sk_buff, skb, dev), slot, NETIO_RECEIVE);
    w->paged_bytes = paged;
    w->user_pages = 1;
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

/* A stack with skb_copy_ubufs on it: the whole fragment part of the packet is being copied (skb_copy_ubufs copies all
 * or fails). One copy of the packet's clone per call stack: the segments of one packet share a window. */
static __noinline int page_copy_found(void* ctx, struct window* w, __u32 hash, __u32 pages) {
    struct netio_late_key key;
    bool again;

    if (!w)
        return 0;
    make_key(&key, w, hash, NETIO_COPIER_COPY_UBUFS);
    again = w->page_copy.copier && w->page_copy.stack == hash;
    w->page_copy = key;
    if (again) {
        add_copy(ctx, &key, 0, 0, pages);
        return 0;
    }
    w->pages_left = (w->paged_bytes + pages * PAGE_BYTES - 1) / (pages * PAGE_BYTES) - 1;
    add_copy(ctx, &key, 1, w->paged_bytes, pages);
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
        key = w->page_copy;
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

/* A packet's linear area is allocated while a window of the sending side is open: who linearises? A pull into the
 * linear area says more than the segmentation around it. */
static __noinline int head_allocated(void* ctx, struct window* w) {
    struct copying_stack stack;

    if (!w)
        return 0;
    stack = stack_above(ctx, HEAD_WALK);
    if (stack.copier == NETIO_COPIER_UNKNOWN || stack.copier == NETIO_COPIER_COPY_UBUFS) {
        w->walks_left -= 1;
        return 0;
    }
    if (stack.copier == NETIO_COPIER_SEGMENT)
        w->walks_left -= 1; /* every segment comes here: the first few tell enough */
    else
        w->walks_left = 0;
    make_key(&w->head_copy, w, stack.hash, stack.copier);
    add_copy(ctx, &w->head_copy, 0, 0, 0);
    return 0;
}

static __always_inline int memory_allocated(void* ctx, __u64 call_site) {
    struct window* w = this_window();

    if (!w || !w->armed || w->direction != NETIO_TRANSMIT || !w->walks_left || !w->paged_bytes || !measuring)
        return 0;
    if (!within(&head_allocators[0], call_site) && !within(&head_allocators[1], call_site) &&
        !within(&head_allocators[2], call_site))
        return 0;
    return head_allocated(ctx, w);
}

#endif
