/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* New memory for payload, seen by its allocation alone: linear areas that a packet is pulled, cut up or copied into,
 * and packets that are built anew for an XDP program. */
#ifndef NETIO_AREAS_H
#define NETIO_AREAS_H

#include "window.h"

/* Keeps who makes the area that is being allocated: the second argument of the tracepoint, a pointer to const void,
 * which programs may not load from their context on Linux 6.12. */
static __always_inline void keep_maker(void* ctx, const struct copying_stack* stack) {
    struct maker by = {.stack = stack->hash, .copier = stack->copier};
    __u64 head = word_at((__u64)ctx + 8);

    bpf_map_update_elem(&made_heads, &head, &by, BPF_ANY);
}

/* Outside of a window: the packet is not known yet. */
static __noinline int head_made_before(void* ctx) {
    struct copying_stack stack = stack_above(ctx, HEAD_WALK);
    struct netio_late_key key = {.direction = NETIO_TRANSMIT, .copier = stack.copier, .stack = stack.hash};

    if (stack.copier != NETIO_COPIER_PULL_TAIL && stack.copier != NETIO_COPIER_SEGMENT && !makes_private(stack.copier))
        return 0;
    if (stack.copier == NETIO_COPIER_PULL_TAIL)
        pulling_stack = stack.hash;
    keep_maker(ctx, &stack);
    add_copy(ctx, &key, 0, 0, 0); /* for its call stack */
    return 0;
}

/* Whether the function leaves the packet as it is and goes on with a copy, which is not seen again as one: a private
 * copy names no socket, and a driver that cuts a packet up by itself keeps the segments to itself. */
static __always_inline bool replaces(const struct window* w, __u8 copier) {
    if (!w->user_pages)
        return false;
    if (makes_private(copier))
        return w->driver_bytes || !w->started;
    return copier == NETIO_COPIER_SEGMENT && w->driver_bytes;
}

static __noinline int packet_replaced(void* ctx, struct window* w) {
    __u32 bytes;

    if (!w)
        return 0;
    bytes = w->driver_bytes ? w->driver_bytes : w->paged_bytes;
    if (w->driver_bytes)
        bpf_map_delete_elem(&pulled_packets, &w->driver_skb);
    else if (!w->forwarded)
        count(w->slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
    w->user_pages = 0;
    w->walks_left = 0;
    add_copy(ctx, &w->head_copy, 1, bytes, 0);
    return 0;
}

/* A linear area is allocated while a window of the sending side is open: who linearises? A pull into the linear area
 * says more than the segmentation around it. */
static __noinline int head_allocated(void* ctx, struct window* w) {
    struct copying_stack stack;

    if (!w)
        return 0;
    stack = stack_above(ctx, HEAD_WALK);
    w->walks_left -= 1; /* every segment comes here: the first few tell enough */
    if (stack.copier == NETIO_COPIER_UNKNOWN || stack.copier == NETIO_COPIER_COPY_UBUFS)
        return 0;
    make_key(&w->head_copy, w, stack.hash, stack.copier);
    if (replaces(w, stack.copier))
        return packet_replaced(ctx, w);
    if (stack.copier == NETIO_COPIER_PULL_TAIL)
        keep_maker(ctx, &stack);
    add_copy(ctx, &w->head_copy, 0, 0, 0);
    return 0;
}

/* Looks for pskb_expand_head in the stack unwound last. Returns the hash of the stack from it on, or 0. Not static, as
 * find_copier. */
__noinline int find_expansion(void) {
    struct netio_event* stack = scratch_stack();

    if (!stack)
        return 0;
    for (__u32 i = 0; i <= HEAD_WALK - HASHED_FRAMES; i++) {
        if (within(&head_allocators[2], stack->frames[i] - 1))
            return hash_frames(stack, i, HASHED_FRAMES);
    }
    return 0;
}

/* A linear area with room for the whole payload is made for a packet that arrived with user pages: it is pulled, or was
 * given the room to be pulled next (netif_skb_check_for_xdp). Or the area has room for a segment of it: a router cuts
 * the packet up and pulls all segments alike (ip_do_fragment), and the first one closes this window when it is queued.
 */
static __noinline int arrival_pulled(void* ctx, struct window* w, bool whole) {
    struct copying_stack stack;

    if (!w)
        return 0;
    w->walks_left -= 1;
    stack = stack_above(ctx, HEAD_WALK);
    if (stack.copier == NETIO_COPIER_UNKNOWN && whole) {
        stack.hash = find_expansion();
        stack.copier = stack.hash ? NETIO_COPIER_EXPAND_HEAD : NETIO_COPIER_UNKNOWN;
    }
    if (stack.copier != NETIO_COPIER_PULL_TAIL && stack.copier != NETIO_COPIER_EXPAND_HEAD)
        return 0;
    make_key(&w->head_copy, w, stack.hash, stack.copier);
    count_arrival(w);
    add_copy(ctx, &w->head_copy, 1, w->paged_bytes, 0);
    w->user_pages = 0;
    return 0;
}

static __always_inline bool makes_head(__u64 call_site) {
    for (int i = 0; i < NETIO_HEAD_ALLOCATORS; i++) {
        if (within(&head_allocators[i], call_site))
            return true;
    }
    return false;
}

static __always_inline int memory_allocated(void* ctx, __u64 call_site, __u64 requested) {
    struct window* w = this_window();

    if (!w || !measuring)
        return 0;
    if (!makes_head(call_site))
        return 0;
    /* Once an arrival's user pages have been copied there is nothing left to pull: what is pulled now is sent. */
    if (w->armed && w->direction == NETIO_RECEIVE && w->user_pages && w->paged_bytes && !w->page_copy.copier) {
        if (!w->walks_left || (requested < w->paged_bytes && requested < SEGMENT_BYTES))
            return 0;
        return arrival_pulled(ctx, w, requested >= w->paged_bytes);
    }
    if (w->armed && w->direction == NETIO_TRANSMIT && w->paged_bytes && w->task == bpf_get_current_task()) {
        /* An area for headers alone, of a segment that refers to its payload, takes none from a large packet. */
        if (!w->walks_left || (requested <= SEGMENT_BYTES && w->paged_bytes > SEGMENT_BYTES))
            return 0;
        return head_allocated(ctx, w);
    }
    return requested < PULLED_BYTES ? 0 : head_made_before(ctx);
}

/* A new packet is built for an XDP program, and the one with the user pages is freed: by skb_pp_cow_data, and before
 * Linux 6.8 by the driver itself. Where the tracepoint does not say who frees it, the call stack does. */
static __always_inline int packet_rebuilt(void* ctx, __u64 skb, bool location_known) {
    struct netio_late_key key = {.direction = NETIO_RECEIVE, .copier = NETIO_COPIER_COW_DATA, .user_pages = 1};
    struct copying_stack stack;
    __u32 slot, paged;
    __u64 info, uarg;

    paged = READ(struct sk_buff, skb, data_len);
    info = shared_info(skb);
    uarg = paged && has_user_pages(info) ? msgzc_of(info) : 0;
    slot = uarg ? known_slot(sender_of(uarg)) : NO_SLOT;
    if (slot == NO_SLOT)
        return 0;
    stack = stack_above(ctx, PAGE_WALK);
    if (!location_known && stack.copier != NETIO_COPIER_COW_DATA)
        return 0;
    key.device = (__u64)READ(struct sk_buff, skb, dev);
    key.slot = slot;
    key.stack = stack.hash;
    add_copy(ctx, &key, 1, paged, 0);
    return 0;
}

#endif
