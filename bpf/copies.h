/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Late copies: payload copied inside the kernel between the send call and the receive call, with the call stack that
 * tells why. */
#ifndef NETIO_COPIES_H
#define NETIO_COPIES_H

#include "packet.h"

static __noinline int see_device(__u64 device) {
    struct netio_device seen = {};
    __u64 net, ops;

    if (!device || bpf_map_lookup_elem(&devices, &device))
        return 0;
    read_name(seen.name, ADDRESS(struct net_device, device, name));
    ops = (__u64)READ(struct net_device, device, rtnl_link_ops);
    if (ops)
        read_name(seen.kind, (__u64)READ(struct rtnl_link_ops, ops, kind));
    seen.features = READ(struct net_device, device, features);
    seen.flags = READ(struct net_device, device, flags);
    seen.ifindex = READ(struct net_device, device, ifindex);
    net = (__u64)READ(struct net_device, device, nd_net.net);
    seen.netns = READ(struct net, net, ns.inum);
    bpf_map_update_elem(&devices, &device, &seen, BPF_NOEXIST);
    return 0;
}

/* The first copy under a new key: keep what explains it. Losing this event loses an explanation, no bytes. */
static __noinline int announce_copy(void* ctx, struct netio_late_key* key) {
    struct netio_event* event;

    if (!key)
        return 0;
    see_device(key->device);
    event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        __sync_fetch_and_add(&lost_events, 1);
        return 0;
    }
    event->key = *key;
    __builtin_memset(event->frames, 0, sizeof(event->frames));
    bpf_get_stack(ctx, event->frames, sizeof(event->frames), 0);
    bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
    return 0;
}

/* `announce`: the context of a program whose call stack explains the copy; NULL where it has none. */
static __always_inline void add_copy(void* announce, struct netio_late_key* key, __u64 copies, __u64 bytes,
                                     __u64 pages) {
    struct netio_late_value* value = bpf_map_lookup_elem(&late_copies, key);
    struct netio_late_value first = {.copies = copies, .bytes = bytes, .pages = pages};

    if (value) {
        value->copies += copies;
        value->bytes += bytes;
        value->pages += pages;
        return;
    }
    if (!bpf_map_update_elem(&late_copies, key, &first, BPF_NOEXIST)) {
        if (announce) {
            announce_copy(announce, key);
        }
        return;
    }
    value = bpf_map_lookup_elem(&late_copies, key); /* another CPU was first */
    if (!value) {
        __sync_fetch_and_add(&lost_copies, 1);
        return;
    }
    value->copies += copies;
    value->bytes += bytes;
    value->pages += pages;
}

#endif
