/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the BPF programs and user space tell each other. Fixed widths only; both compilers check the sizes. */
#ifndef NETIO_ABI_H
#define NETIO_ABI_H

#ifdef __cplusplus
#include <linux/types.h>
#define NETIO_ASSERT(condition, text) static_assert(condition, text)
#else
#include "vmlinux.h"
#define NETIO_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* Places where bytes are counted per socket; the numbers of model::Site. */
enum netio_site {
    NETIO_SEND_COPIED = 0,
    NETIO_SEND_NOT_OPTED_IN = 1,
    NETIO_SEND_ROUTE_WITHOUT_SG = 2,
    NETIO_SEND_PINNED = 3,
    NETIO_SEND_SPLICED = 4,
    NETIO_SEND_FAILED = 5,
    NETIO_COMPLETED_ZEROCOPY = 6,
    NETIO_COMPLETED_COPIED = 7,
    NETIO_COMPLETED_UNRESOLVED = 8,
    NETIO_TRANSMIT_QUEUED = 9,
    NETIO_TRANSMIT_ZEROCOPY = 10,
    NETIO_TRANSMIT_LINEAR = 11,
    NETIO_RECEIVE_ZEROCOPY = 12,
    NETIO_RETRANSMITTED = 13,
    NETIO_RECEIVE_COPIED = 14,
    NETIO_RECEIVE_RETURNED = 15,
    NETIO_TRANSMIT_CLONED = 16,
    NETIO_SEND_FAST_OPEN = 17,
    NETIO_SEND_IN_SYN = 18,
    NETIO_SITES = 19,
};

#define NETIO_FRAMES 32 /* a tunnel through a bridge is that deep */
#define NETIO_COMM 16
#define NETIO_DEVICE_NAME 16
#define NETIO_UPPER_LAYER 16

struct netio_tally {
    __u64 calls;
    __u64 bytes;
};

/* Per task of a traced process. Only the task itself writes it. */
struct netio_task {
    __u64 sk;  /* the socket it used last, to spare the look-up of its slot */
    __u64 msg; /* the msghdr of the send call in progress, 0 outside */
    __u32 slot;
    __u32 kind;           /* enum netio_site of the call in progress */
    __u64 received_bytes; /* copied to user memory by the receive call in progress */
    __u64 received_calls;
    __u32 start_position;
    __u32 id;
    __u32 start_sequence; /* write_seq when the call began, where its end is seen from the system call */
    /* What programs that hang in several copies know each other's work by (bpf/preemption.h). */
    __u32 copied_offset;
    __u64 copied_skb;
    __u64 copied_stretch;
    __u32 returned_sequence;
    __u8 seen;
    __u8 send_began;
    __u8 receive_ended;
    __u8 pad;
};

struct netio_socket_ref {
    __u32 slot;
    __u32 portpair; /* a socket of another connection may reuse the address */
};

/* Per traced socket, indexed by slot. The positions count the bytes of zero-copy calls only, modulo 2^32, so that the
 * bytes of a range of calls are a difference of two of them. Written under the socket lock. */
struct netio_socket {
    __u64 sk;
    __u64 netns;
    __u32 tgid;
    __u32 pid;
    char comm[NETIO_COMM];
    __u8 family;
    __u8 used;
    __u16 local_port;  /* host order */
    __u16 remote_port; /* host order */
    __u16 zerocopy_used;
    __u8 local_address[16];
    __u8 remote_address[16];
    __u32 last_sequence; /* write_seq when the last call began */
    __u32 last_kind;
    __u32 plain_position; /* bytes of calls that pinned nothing */
    __u32 end_id;         /* the last zero-copy call that returned, and the position after it */
    __u32 end_position;
    __u32 shared;        /* calls that began without the socket lock met each other: their positions are not known */
    __u32 protocol;      /* IPPROTO_TCP or IPPROTO_MPTCP */
    __u32 option_memory; /* sk_omem_alloc when a call was last refused with ENOBUFS; 0: never */
    __u32 pulling_stack; /* of the function that copied its last packet before the queue; 0: none did */
    __u32 pulling_copier;
    __u64 untold_device; /* that got a copied packet whose payload could not be told; 0: none */
    __u8 in_sockmap;     /* a BPF program gets what is sent, before TCP does */
    __u8 opened;         /* its first packet was seen: a send call opened the connection */
    __u8 pad[2];
    __u32 syn_bytes;                     /* of the call in progress, which pins the rest, in that packet */
    char upper_layer[NETIO_UPPER_LAYER]; /* TCP_ULP: "tls"; empty: none */
};

/* The position at which zero-copy call `id` began. */
struct netio_call {
    __u32 id;
    __u32 position;
    __u32 accounted; /* its completion has been counted, see enum netio_account in bpf/completion.h */
    __u32 heads;     /* a notification in the error queue begins with it */
};

enum netio_direction {
    NETIO_TRANSMIT = 0,
    NETIO_RECEIVE = 1,
    NETIO_DIRECTION_UNKNOWN = 2,
};

/* The functions that copy payload between the send call and the receive call. */
enum netio_copier {
    NETIO_COPIER_UNKNOWN = 0,
    NETIO_COPIER_COPY_UBUFS = 1,  /* skb_copy_ubufs: flagged */
    NETIO_COPIER_PULL_TAIL = 2,   /* __pskb_pull_tail: flagged when it empties the packet */
    NETIO_COPIER_SEGMENT = 3,     /* skb_segment without scatter-gather: silent */
    NETIO_COPIER_SKB_COPY = 4,    /* skb_copy: silent */
    NETIO_COPIER_COW_DATA = 5,    /* skb_pp_cow_data: silent */
    NETIO_COPIER_EXPAND_HEAD = 6, /* pskb_expand_head on arrival, with room for the payload that is pulled next */
    NETIO_COPIER_COPY_EXPAND = 7, /* skb_copy_expand: silent */
    NETIO_COPIER_BOUNCE = 8,      /* swiotlb_map: silent */
    NETIO_COPIERS = 9,
};

struct netio_late_key {
    __u64 device;
    __u32 slot;
    __u32 stack; /* hash of the innermost frames */
    __u8 direction;
    __u8 copier;
    __u8 user_pages;
    __u8 page_exact;
    __u32 pad;
};

struct netio_late_value {
    __u64 copies;
    __u64 bytes;
    __u64 pages;
};

struct netio_device {
    char name[NETIO_DEVICE_NAME];
    char kind[NETIO_DEVICE_NAME];
    __u64 features;
    __u64 netns;
    __u32 ifindex;
    __u32 flags;
};

struct netio_error_key {
    __u32 slot;
    __s32 error; /* negative errno, as the kernel returns it */
};

/* The first copy of each netio_late_key, with its call stack. */
struct netio_event {
    struct netio_late_key key;
    __u64 frames[NETIO_FRAMES]; /* return addresses, innermost first, 0 after the last */
};

/* What is learned from a list of symbols at start-up: [start, end) of a function; 0 where the kernel lacks it. */
struct netio_range {
    __u64 start;
    __u64 end;
};

#define NETIO_HEAD_ALLOCATORS 8

NETIO_ASSERT(sizeof(struct netio_tally) == 16, "netio_tally");
NETIO_ASSERT(sizeof(struct netio_task) == 80, "netio_task");
NETIO_ASSERT(sizeof(struct netio_socket) == 152, "netio_socket");
NETIO_ASSERT(sizeof(struct netio_call) == 16, "netio_call");
NETIO_ASSERT(sizeof(struct netio_late_key) == 24, "netio_late_key");
NETIO_ASSERT(sizeof(struct netio_device) == 56, "netio_device");
NETIO_ASSERT(sizeof(struct netio_event) == 24 + 8 * NETIO_FRAMES, "netio_event");

#endif
