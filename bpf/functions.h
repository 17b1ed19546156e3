/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Late copies seen at the copying functions themselves (fentry and kprobe tiers): byte-exact, with the owner from the
 * packet. */
#ifndef NETIO_FUNCTIONS_H
#define NETIO_FUNCTIONS_H

#include "areas.h"
#include "send.h"

/* The slot of the socket whose payload a packet carries; whether it is in user pages. */
static __always_inline __u32 owner_of(__u64 skb, __u8* user_pages) {
    __u64 info = shared_info(skb);
    __u64 uarg = has_user_pages(info) ? msgzc_of(info) : 0;

    *user_pages = uarg != 0;
    return known_slot(uarg ? sender_of(uarg) : (__u64)READ(struct sk_buff, skb, sk));
}

static __noinline int record_copy(void* ctx, __u64 skb, __u32 slot, __u32 bytes, __u32 copier_and_pages) {
    struct netio_event* stack = scratch_stack();
    struct netio_late_key key = {
        .slot = slot,
        .direction = NETIO_TRANSMIT,
        .copier = copier_and_pages & 0xff,
        .user_pages = copier_and_pages >> 8,
    };

    if (!stack)
        return 0;
    /* A receiving stack notes the device first of all. */
    if (READ(struct sk_buff, skb, skb_iif))
        key.direction = NETIO_RECEIVE;
    key.device = (__u64)READ(struct sk_buff, skb, dev);
    walk_stack(ctx, stack, PAGE_WALK);
    key.stack = hash_frames(stack, 0, PAGE_WALK); /* trampolines stand before the function itself */
    add_copy(ctx, &key, 1, bytes, 0);
    return 0;
}

/* What the copy of the packet that this CPU handles means for its way. A private copy of a packet that was queued goes
 * on in its place, and names no socket any more. */
static __noinline int note_on_way(__u64 skb, __u32 slot, __u32 bytes, __u32 copier) {
    struct window* w = this_window();

    if (!w)
        return 0;
    if (!w->armed || w->skb != skb) {
        /* It is in no device's hands yet, and comes to the queue as its copy. */
        if (makes_private(copier) && !(w->armed && w->driver_skb == skb) && !READ(struct sk_buff, skb, skb_iif))
            count_as_queued(slot, bytes);
        return 0;
    }
    if (w->direction == NETIO_RECEIVE)
        count_arrival(w);
    else if (makes_private(copier) && w->user_pages && !w->driver_bytes && !w->forwarded)
        count(slot, NETIO_TRANSMIT_LINEAR, 1, bytes);
    return 0;
}

/* skb_copy_ubufs copies every fragment, or fails for want of memory and the packet is dropped. */
static __always_inline int function_copies(void* ctx, __u64 skb, __u8 copier) {
    __u8 user_pages;
    __u32 slot, paged;

    if (!measuring)
        return 0;
    paged = READ(struct sk_buff, skb, data_len);
    if (!paged)
        return 0;
    slot = owner_of(skb, &user_pages);
    if (slot == NO_SLOT || (copier == NETIO_COPIER_COPY_UBUFS && !user_pages))
        return 0;
    if (user_pages)
        note_on_way(skb, slot, paged, copier);
    return record_copy(ctx, skb, slot, paged, copier | (__u32)user_pages << 8);
}

/* Header pulls are frequent and copy a few bytes; only a pull of everything takes the payload out of the fragments. A
 * program on the way to the queue may do so: the queue is told what the packet was. */
static __always_inline int function_pulls(void* ctx, __u64 skb, __s32 delta) {
    struct pulled pulled = {};
    __u32 paged;

    if (!measuring)
        return 0;
    paged = READ(struct sk_buff, skb, data_len);
    if (!paged || delta < 0 || (__u32)delta < paged)
        return 0;
    if (has_user_pages(shared_info(skb)) && !READ(struct sk_buff, skb, skb_iif)) {
        pulled.device = (__u64)READ(struct sk_buff, skb, dev);
        pulled.bytes = paged;
        bpf_map_update_elem(&pulled_packets, &skb, &pulled, BPF_ANY);
    }
    return function_copies(ctx, skb, NETIO_COPIER_PULL_TAIL);
}

/* Whoever is no device asks for segments with no features at all (the queues of the firewall, WireGuard). Where the
 * packet is in no device's hands either, its segments come to the queue without user pages. */
static __noinline int note_segments(__u64 skb) {
    struct window* w = this_window();
    __u8 user_pages;
    __u32 slot;

    if (!w || (w->armed && (w->skb == skb || w->driver_skb == skb)) || READ(struct sk_buff, skb, skb_iif))
        return 0;
    slot = owner_of(skb, &user_pages);
    if (slot != NO_SLOT && user_pages)
        count_as_queued(slot, READ(struct sk_buff, skb, data_len));
    return 0;
}

/* With scatter-gather the segments refer to the pages of the whole packet; without it they get copies. */
static __always_inline int function_segments(void* ctx, __u64 skb, __u64 features) {
    if (features & NETIF_F_SG || !measuring)
        return 0;
    if (!features)
        note_segments(skb);
    return function_copies(ctx, skb, NETIO_COPIER_SEGMENT);
}

#endif
