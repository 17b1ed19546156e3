/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about send calls: how the bytes of a call are taken (copied, pinned, referenced), and which range of positions
 * each zero-copy call covers. */
#ifndef NETIO_SEND_H
#define NETIO_SEND_H

#include "sockets.h"

#define MSG_ZEROCOPY 0x4000000
#define MSG_SPLICE_PAGES 0x8000000 /* Linux 6.5 */
#define MSG_FASTOPEN 0x20000000
#define NETIF_F_SG 1ULL

/* What tcp_sendmsg_locked decides at its start, from the same fields. `msg` is 0 where it is not known: a system call
 * brings no ubuf_info of its own. */
static __always_inline __u32 kind_of_call(__u64 sk, __u64 msg, __u32 flags) {
    bool scatter_gather;

    if (!(flags & (MSG_ZEROCOPY | MSG_SPLICE_PAGES)))
        return NETIO_SEND_COPIED;
    scatter_gather = READ(struct sock, sk, sk_route_caps) & NETIF_F_SG;
    if (flags & MSG_ZEROCOPY) {
        __u64 bit = 1ULL << bpf_core_enum_value(enum sock_flags, SOCK_ZEROCOPY);
        bool given = msg && bpf_core_field_exists(struct msghdr, msg_ubuf) && READ(struct msghdr, msg, msg_ubuf);

        if (!given && !(READ(struct sock, sk, __sk_common.skc_flags) & bit))
            return NETIO_SEND_NOT_OPTED_IN;
        /* The call connects (or fails, on a socket that is connected), and it was decided before that to copy: a socket
         * without a route has no capabilities. */
        if (flags & MSG_FASTOPEN)
            return NETIO_SEND_FAST_OPEN;
        return scatter_gather ? NETIO_SEND_PINNED : NETIO_SEND_ROUTE_WITHOUT_SG;
    }
    return scatter_gather ? NETIO_SEND_SPLICED : NETIO_SEND_COPIED;
}

static __always_inline bool takes_id(__u32 kind) {
    return kind == NETIO_SEND_PINNED || kind == NETIO_SEND_ROUTE_WITHOUT_SG || kind == NETIO_SEND_FAST_OPEN;
}

static __always_inline __u32 write_sequence(__u64 sk) {
    return READ(struct tcp_sock, sk, write_seq);
}

static __always_inline struct netio_call* call_entry(__u32 slot, __u32 id) {
    __u32 index = slot * call_ring + (id & (call_ring - 1));

    return bpf_map_lookup_elem(&calls, &index);
}

/* `id` last: what is found under it has to be whole. */
static __always_inline void expect_completion(struct netio_call* call, __u32 id, __u32 position) {
    call->position = position;
    call->accounted = 0;
    call->heads = 0;
    call->id = id;
}

/* A call begins. `id` is the number of the completion it will get, where it takes one. Runs under the socket lock. */
static __always_inline void note_position(struct netio_task* task, __u64 sk, __u32 slot, __u32 kind, __u32 id) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);
    struct netio_call* call;
    __u32 sequence;

    if (!socket || (!takes_id(kind) && !socket->zerocopy_used))
        return;
    sequence = write_sequence(sk);
    if (socket->zerocopy_used && !takes_id(socket->last_kind))
        socket->plain_position += sequence - socket->last_sequence;
    if (!socket->zerocopy_used)
        socket->end_id = id - 1; /* none has returned; the first call of a socket is number 0 */
    socket->last_sequence = sequence;
    socket->last_kind = kind;
    socket->zerocopy_used = 1;
    if (!takes_id(kind))
        return;
    call = call_entry(slot, id);
    if (!call)
        return;
    task->id = id;
    task->start_position = sequence - socket->plain_position;
    expect_completion(call, id, task->start_position);
}

/* A protocol before TCP hands its memory over (tls_push_sg, tcp_bpf_push; Linux 6.5): no call of the program's. */
static __always_inline bool is_of_layer(__u64 sk, __u32 flags) {
    return flags & MSG_SPLICE_PAGES && is_layered(sk);
}

/* `id_taken`: the kernel has already numbered the call, so that its id is sk_zckey - 1. */
static __always_inline int send_begins(__u64 sk, __u64 msg, bool id_taken) {
    struct netio_task* task = traced_task();
    __u32 slot, flags;

    if (!task || (task->msg == msg && task->sk == sk))
        return 0;
    slot = slot_of(task, sk);
    if (slot == NO_SLOT)
        return 0;
    flags = READ(struct msghdr, msg, msg_flags);
    if (is_of_layer(sk, flags))
        return 0;
    task->msg = msg;
    task->send_began = 1;
    task->kind = kind_of_call(sk, msg, flags);
    note_position(task, sk, slot, task->kind, READ(struct sock, sk, sk_zckey.counter) - (id_taken ? 1 : 0));
    return 0;
}

static __noinline int count_error(__u32 slot, __s32 error) {
    struct netio_error_key key = {.slot = slot, .error = error};
    __u64 one = 1;
    __u64* errors = bpf_map_lookup_elem(&send_errors, &key);

    count(slot, NETIO_SEND_FAILED, 1, 0);
    if (!errors) {
        if (!bpf_map_update_elem(&send_errors, &key, &one, BPF_NOEXIST))
            return 0;
        errors = bpf_map_lookup_elem(&send_errors, &key); /* another CPU was first */
    }
    if (errors)
        __sync_fetch_and_add(errors, 1);
    return 0;
}

/* Stands for the msghdr of a system call, which is not known. One system call may send several messages. */
#define MSG_OF_SYSCALL 1

/* A zero-copy call that was only seen by its system call returned `result`. */
static __always_inline void expect_next(struct netio_task* task, struct netio_socket* socket, __u64 sk, __u32 slot) {
    struct netio_call* call;

    if ((__u32)READ(struct sock, sk, sk_zckey.counter) != task->id + 1)
        socket->shared = 1;
    task->id += 1;
    task->start_position = socket->end_position;
    call = call_entry(slot, task->id);
    if (call)
        expect_completion(call, task->id, task->start_position);
}

#define ENOBUFS 105

/* Two limits refuse with the same errno: how full the first of them was (sock_omalloc) tells which. */
static __always_inline void note_refusal(__u64 sk, __u32 slot, __s32 error) {
    struct netio_socket* socket = bpf_map_lookup_elem(&sockets, &slot);

    if (socket && error == -ENOBUFS)
        socket->option_memory = READ(struct sock, sk, sk_omem_alloc.counter);
}

/* A call of a protocol before TCP begins, which takes all that it is given by copying it. */
static __always_inline int layered_send_begins(__u64 sk, __u64 msg) {
    struct netio_task* task = traced_task();

    if (!task || slot_of(task, sk) == NO_SLOT)
        return 0;
    task->msg = msg;
    task->send_began = 1;
    task->kind = NETIO_SEND_COPIED;
    return 0;
}

/* What a call took that gets a completion. The bytes that went with the first packet of the connection were copied into
 * it, whatever became of the rest. */
static __always_inline void count_taken(struct netio_socket* socket, __u32 slot, __u32 kind, __u32 bytes) {
    __u32 in_syn = kind == NETIO_SEND_PINNED ? socket->syn_bytes : 0;

    if (!in_syn || in_syn > bytes) {
        count(slot, kind, 1, bytes);
        return;
    }
    socket->syn_bytes = 0;
    count(slot, NETIO_SEND_IN_SYN, 1, in_syn);
    count(slot, kind, 0, bytes - in_syn);
}

/* A call returned `result`: bytes taken, or a negative errno. `msg` is 0 where it is not known, which is so where calls
 * within calls are not seen. */
static __always_inline int send_ends(__u64 sk, __u64 msg, __s32 result) {
    struct netio_task* task = traced_task();
    struct netio_socket* socket;
    __u32 slot, kind;
    bool begun;

    if (!task)
        return 0;
    if (msg && task->msg != msg && is_layered(sk))
        return 0;
    begun = task->msg && task->sk == sk;
    kind = begun ? task->kind : NETIO_SEND_COPIED;
    slot = slot_of(task, sk);
    if (task->msg != MSG_OF_SYSCALL)
        task->msg = 0;
    if (slot == NO_SLOT || !result)
        return 0;
    if (result < 0) {
        note_refusal(sk, slot, result);
        return count_error(slot, result);
    }
    if (!begun || !takes_id(kind)) {
        count(slot, kind, 1, result);
        return 0;
    }
    socket = bpf_map_lookup_elem(&sockets, &slot);
    if (!socket)
        return 0;
    count_taken(socket, slot, kind, result);
    socket->end_position = task->start_position + result;
    socket->end_id = task->id;
    if (task->msg == MSG_OF_SYSCALL)
        expect_next(task, socket, sk, slot);
    return 0;
}

#endif
