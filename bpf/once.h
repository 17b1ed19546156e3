/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events of tasks that several programs see, on kernels that preempt tasks in functions: the programs run in an order
 * that is not promised. So each knows by what the task did last whether another one has done the work. */
#ifndef NETIO_ONCE_H
#define NETIO_ONCE_H

#include "preemption.h"
#include "receive.h"
#include "send.h"

static __always_inline int function_ends_send(__u64 sk, __u64 msg, __s32 result) {
    struct netio_task* task;

    if (functions_preempt) {
        task = traced_task();
        if (!task || (task->send_began && !task->msg))
            return 0;
    }
    return send_ends(sk, msg, result);
}

/* What a packet's protocol keeps first in its control block, for TCP where its payload begins and ends in the stream:
 * within one call a later packet may have the address of one that was read and freed. */
static __always_inline __u64 stretch_of(__u64 skb) {
    return word_at(ADDRESS(struct sk_buff, skb, cb));
}

static __always_inline int function_copies_to_user(__u64 skb, __s32 offset, __s32 bytes) {
    struct netio_task* task;
    __u64 stretch;

    if (functions_preempt) {
        task = traced_task();
        if (!task)
            return 0;
        stretch = stretch_of(skb);
        if (task->copied_skb == skb && task->copied_stretch == stretch && task->copied_offset == (__u32)offset)
            return 0;
        task->copied_skb = skb;
        task->copied_stretch = stretch;
        task->copied_offset = offset;
        task->receive_ended = 0;
    }
    return receive_copies(bytes);
}

/* A call that may give bytes without a copy that begins it here: what ends next is this call. */
static __always_inline int function_begins_receive(void) {
    struct netio_task* task = functions_preempt ? traced_task() : 0;

    if (task)
        task->receive_ended = 0;
    return 0;
}

/* A call that gives bytes without copying them (MSG_TRUNC) is known by how far the socket has been read. */
static __always_inline int function_ends_receive(__u64 sk, __s32 result, __s32 flags) {
    struct netio_task* task;
    __u32 sequence;

    if (functions_preempt) {
        task = traced_task();
        if (!task)
            return 0;
        sequence = READ(struct tcp_sock, sk, copied_seq);
        if (task->receive_ended && (!(flags & MSG_TRUNC) || task->returned_sequence == sequence))
            return 0;
        task->receive_ended = 1;
        task->copied_skb = 0;
        task->returned_sequence = sequence;
    }
    return receive_ends(sk, result, flags);
}

#endif
