/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, the constants that user space sets before loading, and the few look-ups that every body needs. */
#ifndef NETIO_MAPS_H
#define NETIO_MAPS_H

#include "netio_abi.h"
#include "reads.h"

#include <bpf/bpf_helpers.h>

/* Set before loading; user space sizes the maps to match. */
const volatile __u32 max_slots = 64;
const volatile __u32 call_ring = 4096; /* zero-copy calls in flight per socket that can be told apart; a power of 2 */
const volatile __u32 page_bytes = 4096;
const volatile __u64 pidns_device = 0; /* set where this process is not in the initial pid namespace */
const volatile __u64 pidns_inode = 0;
const volatile bool late_from_transmit = false; /* no probe on the copying functions: infer copies from their results */

/* Set after loading and before `measuring`: where the kernel's functions lie. */
__u64 msgzc_complete = 0; /* the completion function of MSG_ZEROCOPY */
__u64 plain_send = 0;     /* tcp_sendmsg, by which a socket sends that has no other protocol before TCP */
__u64 sockmap_send = 0;   /* tcp_bpf_sendmsg */
struct netio_range copiers[NETIO_COPIERS] = {};
struct netio_range head_allocators[NETIO_HEAD_ALLOCATORS] =
    {}; /* callers of kmalloc that make a packet's linear area */

/* Nothing is counted before user space says so, nor after. */
__u32 measuring = 0;
__u64 lost_events = 0;
/* Copies for which the table of late copies had no room, or whose stack was taken for another. */
__u64 lost_copies = 0;
__u64 untracked_sockets = 0;
/* The call stack under which whole packets are pulled before they are queued. */
__u32 pulling_stack = 0;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u32);
} targets SEC(".maps"); /* process id -> 1 */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64);
    __type(value, struct netio_task);
} tasks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, struct netio_socket_ref);
} socket_refs SEC(".maps"); /* struct sock * -> slot */

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 64);
    __type(value, __u32);
} free_slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, struct netio_socket);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 64 * 4096);
    __type(key, __u32);
    __type(value, struct netio_call);
} calls SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 64 * NETIO_SITES);
    __type(key, __u32);
    __type(value, struct netio_tally);
} counters SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct netio_late_key);
    __type(value, struct netio_late_value);
} late_copies SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, struct netio_device);
} devices SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct netio_error_key);
    __type(value, __u64);
} send_errors SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* A packet whose whole payload was pulled into its linear area, or may be, as a device got it that encrypts. Its task
 * may go on on another CPU. */
struct pulled {
    __u64 device; /* where it was then; 0: nowhere yet */
    __u32 bytes;
    __u32 slot;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, struct pulled);
} pulled_packets SEC(".maps"); /* struct sk_buff *; until the packet is queued, or given to a driver */

/* Who made a linear area with room for payload. The packet is known when it is queued, or given to a driver, with that
 * very area, maybe on another CPU. */
struct maker {
    __u32 stack;
    __u32 copier;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, __u64);
    __type(value, struct maker);
} made_heads SEC(".maps"); /* sk_buff.head */

/* The packet that this CPU handles now, between two events of the device layer. */
struct window {
    __u64 skb;
    __u64 sk;
    __u64 task; /* that ran when it was opened: another one on this CPU does not work on its packet */
    __u64 device;
    __u64 top_device; /* where the packet was queued first: a tunnel, mostly the same */
    __u32 slot;
    __u32 paged_bytes;  /* payload in page fragments when the window opened */
    __u32 linear_bytes; /* payload in the linear area when the window opened */
    __u32 header_bytes; /* before the payload */
    __u8 direction;
    __u8 armed; /* the packet belongs to a traced socket */
    __u8 user_pages;
    __u8 walks_left;  /* stack walks this window may still spend on allocations that are no copies */
    __u64 page;       /* the page that the first program on mm_page_alloc saw last */
    __u32 pages_left; /* allocations still to come from the copy in progress */
    __u32 pad;
    struct netio_late_key page_copy;  /* the copy seen by its page allocations before a driver got the packet */
    struct netio_late_key copying;    /* the copy that the allocations still to come belong to */
    struct netio_late_key head_copy;  /* the function that made a new linear area in this window */
    struct netio_late_key outer_head; /* the same for the device above, whose segments come here one by one */
    __u64 driver_skb;                 /* the packet, or the segment of it, that a driver got last with user pages */
    __u32 given_bytes;                /* counted when a device got the packet that is still current */
    __u32 driver_bytes;               /* of the packet, or the segment of it, that the driver has */
    __u32 driver_stack;               /* of its copy that was seen last */
    __u8 forwarded;                   /* the packet arrived on this machine and goes on */
    __u8 started;                     /* a driver got the packet, or a part of it */
    __u8 head_bounced;                /* the driver's device got a copy of the packet's linear area */
    __u8 pad2;
    __u32 bounce_left; /* of the driver's packet: payload that its device has got no copy of */
    __u32 pad4;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct window);
} windows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct netio_event);
} scratch SEC(".maps");

static __always_inline void count(__u32 slot, __u32 site, __u64 calls, __u64 bytes) {
    __u32 index = slot * NETIO_SITES + site;
    struct netio_tally* tally = bpf_map_lookup_elem(&counters, &index);

    if (!tally)
        return;
    tally->calls += calls;
    tally->bytes += bytes;
}

static __always_inline struct window* this_window(void) {
    __u32 zero = 0;

    return bpf_map_lookup_elem(&windows, &zero);
}

static __always_inline bool within(const struct netio_range* range, __u64 address) {
    return address >= range->start && address < range->end;
}

#endif
