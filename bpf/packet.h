/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a packet: its payload, whether it carries user pages, and which socket sent it. */
#ifndef NETIO_PACKET_H
#define NETIO_PACKET_H

#include "sockets.h"

#define SKBFL_ZEROCOPY_ENABLE 1
#define SKBTX_DEV_ZEROCOPY 8 /* Linux 5.10 and 5.11 */

static __always_inline __u64 shared_info(__u64 skb) {
    return (__u64)READ(struct sk_buff, skb, head) + READ(struct sk_buff, skb, end);
}

static __always_inline bool has_user_pages(__u64 info) {
    if (bpf_core_field_exists(struct skb_shared_info, flags))
        return READ(struct skb_shared_info, info, flags) & SKBFL_ZEROCOPY_ENABLE;
    return READ(struct skb_shared_info___v5_10, info, tx_flags) & SKBTX_DEV_ZEROCOPY;
}

/* The ubuf_info of a MSG_ZEROCOPY packet; 0 where the user pages belong to another user of the machinery (io_uring,
 * vhost, packet rings, which mark the pointer's lowest bit). */
static __always_inline __u64 msgzc_of(__u64 info) {
    __u64 uarg = (__u64)READ(struct skb_shared_info, info, destructor_arg);
    __u64 complete;

    if (!uarg || uarg & 1)
        return 0;
    if (!msgzc_complete)
        return uarg;
    if (bpf_core_field_exists(struct ubuf_info, ops)) {
        __u64 ops = (__u64)READ(struct ubuf_info, uarg, ops);

        complete = (__u64)READ(struct ubuf_info_ops, ops, complete);
    } else {
        complete = (__u64)READ(struct ubuf_info___callback, uarg, callback);
    }
    return complete == msgzc_complete ? uarg : 0;
}

/* The packet in whose control block a ubuf_info of MSG_ZEROCOPY lives; it is charged to the sending socket. */
static __always_inline __u64 notification_of(__u64 uarg) {
    return uarg - bpf_core_field_offset(struct sk_buff, cb);
}

static __always_inline __u64 sender_of(__u64 uarg) {
    return (__u64)READ(struct sk_buff, notification_of(uarg), sk);
}

/* The same as READ for a header as it is on the wire: nothing to relocate. */
#define READ_ON_WIRE(type, pointer, field)                                              \
    ({                                                                                  \
        typeof(((type*)0)->field) value_;                                               \
        if (direct_reads)                                                               \
            value_ = CAST(type, pointer)->field;                                        \
        else                                                                            \
            bpf_probe_read_kernel(&value_, sizeof(value_), &((type*)(pointer))->field); \
        value_;                                                                         \
    })

/* What follows the header of the network layer at this address: IPPROTO_TCP. */
static __always_inline __u8 protocol_at(__u64 network) {
    __u8 version = READ_ON_WIRE(struct iphdr, network, version_and_length) >> 4;

    return version == 6 ? READ_ON_WIRE(struct ipv6hdr, network, nexthdr)
                        : READ_ON_WIRE(struct iphdr, network, protocol);
}

#define SKB_FCLONE_CLONE 2

/* Whether IPsec has encrypted the packet. */
static __always_inline bool is_encrypted(__u64 skb) {
    __u64 head = (__u64)READ(struct sk_buff, skb, head);

    return protocol_at(head + READ(struct sk_buff, skb, network_header)) == IPPROTO_ESP;
}

/* What an encrypted packet does not tell itself: TCP keeps a packet without headers and sends its clone, which lies
 * behind it (struct sk_buff_fclones). 0: a receiver on this machine still has the clone that lies there, and a packet
 * that is sent again is another one. */
static __always_inline __u32 encrypted_payload(__u64 skb) {
    __u64 kept = skb - bpf_core_type_size(struct sk_buff);

    return READ_BITFIELD(struct sk_buff, skb, fclone) == SKB_FCLONE_CLONE ? READ(struct sk_buff, kept, len) : 0;
}

/* Bytes of headers before the payload of a TCP packet that starts at its link or network header; 0 where they cannot be
 * told: the segments of a packet that went into a tunnel no longer say where their inner headers are, or, in a tunnel
 * within a tunnel, only where the next ones are. */
static __always_inline __u32 header_bytes(__u64 skb) {
    __u64 head = (__u64)READ(struct sk_buff, skb, head);
    bool wrapped = READ_BITFIELD(struct sk_buff, skb, encapsulation);
    __u64 transport;

    if (protocol_at(head + (wrapped ? READ(struct sk_buff, skb, inner_network_header)
                                    : READ(struct sk_buff, skb, network_header))) != IPPROTO_TCP)
        return 0;
    transport = head + (wrapped ? READ(struct sk_buff, skb, inner_transport_header)
                                : READ(struct sk_buff, skb, transport_header));
    return transport - (__u64)READ(struct sk_buff, skb, data) + READ_BITFIELD(struct tcphdr, transport, doff) * 4;
}

/* Payload bytes in the linear area. */
static __always_inline __u32 linear_payload(__u64 skb, __u32 paged, __u32 headers) {
    __u32 linear = READ(struct sk_buff, skb, len) - paged;

    return headers && linear > headers ? linear - headers : 0;
}

#endif
