/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which tasks and sockets are traced. A socket is tagged when a traced process uses it; from then on it is known in
 * every context, softirq included, by its address. */
#ifndef NETIO_SOCKETS_H
#define NETIO_SOCKETS_H

#include "maps.h"
#include "pid_namespace.h"

#define NO_SLOT 0xffffffffU
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_ESP 50
#define IPPROTO_MPTCP 262

static __always_inline __u64 current_task_id(void) {
    return own_task_id(pidns_device, pidns_inode);
}

/* The state of the current task, or NULL where its process is not traced. */
static __always_inline struct netio_task* traced_task(void) {
    struct netio_task fresh = {.slot = NO_SLOT};
    struct netio_task* task;
    __u64 id;
    __u32 tgid;

    if (!measuring)
        return 0;
    id = current_task_id();
    task = bpf_map_lookup_elem(&tasks, &id);
    if (task)
        return task;
    tgid = id >> 32;
    if (!bpf_map_lookup_elem(&targets, &tgid))
        return 0;
    bpf_map_update_elem(&tasks, &id, &fresh, BPF_NOEXIST);
    return bpf_map_lookup_elem(&tasks, &id);
}

static __always_inline bool is_tcp(__u64 sk) {
    __u16 family = READ(struct sock, sk, __sk_common.skc_family);

    __u16 protocol = READ(struct sock, sk, sk_protocol);

    return (family == AF_INET || family == AF_INET6) && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

static __always_inline __u32 portpair_of(__u64 sk) {
    return READ(struct sock, sk, __sk_common.skc_portpair);
}

/* The slot of a tagged socket, in any context. */
static __always_inline __u32 known_slot(__u64 sk) {
    struct netio_socket_ref* ref;

    if (!sk)
        return NO_SLOT;
    ref = bpf_map_lookup_elem(&socket_refs, &sk);
    if (!ref || ref->portpair != portpair_of(sk))
        return NO_SLOT;
    return ref->slot;
}

static __always_inline __u64 send_function_of(__u64 sk) {
    __u64 protocol = (__u64)READ(struct sock, sk, __sk_common.skc_prot);

    return (__u64)READ(struct proto, protocol, sendmsg);
}

/* Whether calls of the socket go through another protocol (kTLS, sockmap, Multipath TCP), which copies what it takes
 * and hands memory of the kernel's own to TCP, in calls that are none of the program's. */
static __always_inline bool is_layered(__u64 sk) {
    return plain_send && send_function_of(sk) != plain_send;
}

static __always_inline void describe_layers(struct netio_socket* socket, __u64 sk) {
    __u64 upper, name;

    socket->in_sockmap = sockmap_send && send_function_of(sk) == sockmap_send;
    if (socket->protocol != IPPROTO_TCP)
        return;
    upper = (__u64)READ(struct inet_connection_sock, sk, icsk_ulp_ops);
    if (!upper)
        return;
    name = ADDRESS(struct tcp_ulp_ops, upper, name);
    /* Whole words: the verifier takes them for pointers. */
    ((__u64*)socket->upper_layer)[0] = word_at(name);
    ((__u64*)socket->upper_layer)[1] = word_at(name + 8);
}

static __always_inline void describe_ends(struct netio_socket* socket, __u64 sk) {
    struct in6_addr address;
    __be32 v4;

    socket->local_port = READ(struct sock, sk, __sk_common.skc_num);
    socket->remote_port = __builtin_bswap16(READ(struct sock, sk, __sk_common.skc_dport));
    if (socket->family == AF_INET) {
        v4 = READ(struct sock, sk, __sk_common.skc_rcv_saddr);
        __builtin_memcpy(socket->local_address, &v4, sizeof(v4));
        v4 = READ(struct sock, sk, __sk_common.skc_daddr);
        __builtin_memcpy(socket->remote_address, &v4, sizeof(v4));
    } else {
        address = READ(struct sock, sk, __sk_common.skc_v6_rcv_saddr);
        __builtin_memcpy(socket->local_address, &address, sizeof(address));
        address = READ(struct sock, sk, __sk_common.skc_v6_daddr);
        __builtin_memcpy(socket->remote_address, &address, sizeof(address));
    }
}

static __noinline int describe_socket(__u64 sk, __u32 slot) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    __u64 id = current_task_id();
    __u64 net;

    if (!socket)
        return 0;
    __builtin_memset(socket, 0, sizeof(*socket));
    net = (__u64)READ(struct sock, sk, __sk_common.skc_net.net);
    socket->sk = sk;
    socket->netns = READ(struct net, net, ns.inum);
    socket->tgid = id >> 32;
    socket->pid = id;
    bpf_get_current_comm(socket->comm, sizeof(socket->comm));
    socket->family = READ(struct sock, sk, __sk_common.skc_family);
    describe_ends(socket, sk);
    socket->protocol = READ(struct sock, sk, sk_protocol);
    describe_layers(socket, sk);
    socket->used = 1;
    return 0;
}

static __noinline __u32 tag_socket(__u64 sk) {
    struct netio_socket_ref ref = {};

    if (!is_tcp(sk))
        return NO_SLOT;
    if (bpf_map_pop_elem(&free_slots, &ref.slot)) {
        __sync_fetch_and_add(&untracked_sockets, 1);
        return NO_SLOT;
    }
    ref.portpair = portpair_of(sk);
    if (bpf_map_update_elem(&socket_refs, &sk, &ref, BPF_ANY)) {
        __sync_fetch_and_add(&untracked_sockets, 1);
        return NO_SLOT;
    }
    describe_socket(sk, ref.slot);
    return ref.slot;
}

/* The slot of the socket that the current, traced task uses; tags a new one. NO_SLOT where it is no TCP socket. */
static __always_inline __u32 slot_of(struct netio_task* task, __u64 sk) {
    __u32 slot;

    if (task->sk == sk && task->slot != NO_SLOT)
        return task->slot;
    slot = known_slot(sk);
    if (slot == NO_SLOT)
        slot = tag_socket(sk);
    task->sk = sk;
    task->slot = slot;
    return slot;
}

#endif
