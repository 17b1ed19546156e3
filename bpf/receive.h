/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about receive calls. The copy is seen without its socket, so it is kept with the task until the call returns.
 */
#ifndef NETIO_RECEIVE_H
#define NETIO_RECEIVE_H

#include "sockets.h"

#define MSG_PEEK 2
#define MSG_TRUNC 0x20

static __always_inline int receive_copies(__s32 bytes) {
    struct netio_task* task = traced_task();

    if (task && bytes > 0) {
        task->received_bytes += bytes;
        task->received_calls += 1;
    }
    return 0;
}

static __always_inline int receive_ends(__u64 sk, __s32 result, __s32 flags) {
    struct netio_task* task = traced_task();
    __u64 bytes, copies;
    __u32 slot;

    if (!task)
        return 0;
    bytes = task->received_bytes;
    copies = task->received_calls;
    task->received_bytes = 0;
    task->received_calls = 0;
    if (result <= 0)
        return 0;
    slot = slot_of(task, sk);
    if (slot == NO_SLOT)
        return 0;
    count(slot, NETIO_RECEIVE_COPIED, copies, bytes);
    if (!(flags & MSG_PEEK))
        count(slot, NETIO_RECEIVE_RETURNED, 1, result);
    return 0;
}

#endif
