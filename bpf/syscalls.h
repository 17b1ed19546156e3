/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Send and receive calls seen from the entry and exit of system calls, for kernels that have no tracepoint inside them.
 * The socket is found by its number in the table of open files of the current task. */
#ifndef NETIO_SYSCALLS_H
#define NETIO_SYSCALLS_H

#include "machine.h"
#include "receive.h"
#include "send.h"

#define S_IFMT 0170000
#define S_IFSOCK 0140000

struct socket_call {
    __u32 descriptor;
    __u32 flags;
    bool result_is_bytes; /* what the system call returns is what its only message took or gave */
};

/* The number of a system call that has ended; -1 where the numbers are others. */
static __always_inline __s64 number_of(__u64 regs) {
    return has_other_numbers(regs) ? -1 : (__s64)NUMBER(regs);
}

static __always_inline bool is_send(__s64 number) {
    return number == SYSCALL_SENDTO || number == SYSCALL_SENDMSG || number == SYSCALL_WRITE ||
           number == SYSCALL_WRITEV || number == SYSCALL_SENDMMSG || number == SYSCALL_SENDFILE ||
           number == SYSCALL_SPLICE || number == SYSCALL_IO_URING_ENTER;
}

static __always_inline bool is_receive(__s64 number) {
    return number == SYSCALL_RECVFROM || number == SYSCALL_RECVMSG || number == SYSCALL_READ ||
           number == SYSCALL_READV || number == SYSCALL_RECVMMSG;
}

static __always_inline struct socket_call send_of(__u64 regs, __s64 number) {
    struct socket_call call = {.descriptor = ARGUMENT_1(regs), .result_is_bytes = true};

    if (number == SYSCALL_SENDTO)
        call.flags = ARGUMENT_4(regs);
    if (number == SYSCALL_SENDMSG)
        call.flags = ARGUMENT_3(regs);
    if (number == SYSCALL_SENDMMSG) {
        call.flags = ARGUMENT_4(regs);
        call.result_is_bytes = false;
    }
    if (number == SYSCALL_SPLICE)
        call.descriptor = ARGUMENT_3(regs);
    if (number == SYSCALL_SENDFILE || number == SYSCALL_SPLICE) {
        call.flags = MSG_SPLICE_PAGES;
        call.result_is_bytes = false;
    }
    if (number == SYSCALL_IO_URING_ENTER) {
        call.descriptor = -1; /* one call serves many sockets */
        call.result_is_bytes = false;
    }
    return call;
}

static __always_inline struct socket_call receive_of(__u64 regs, __s64 number) {
    struct socket_call call = {.descriptor = ARGUMENT_1(regs), .result_is_bytes = true};

    if (number == SYSCALL_RECVFROM)
        call.flags = ARGUMENT_4(regs);
    if (number == SYSCALL_RECVMSG)
        call.flags = ARGUMENT_3(regs);
    if (number == SYSCALL_RECVMMSG) {
        call.flags = ARGUMENT_4(regs);
        call.result_is_bytes = false;
    }
    return call;
}

/* The struct sock of an open file of the current task; 0 where it is none of a socket. */
static __noinline __u64 socket_of(__u32 descriptor) {
    __u64 task = bpf_get_current_task();
    __u64 files = (__u64)READ(struct task_struct, task, files);
    __u64 table, place, file, inode, socket;

    if (!files)
        return 0;
    table = (__u64)READ(struct files_struct, files, fdt);
    if (descriptor >= READ(struct fdtable, table, max_fds))
        return 0;
    place = (__u64)READ(struct fdtable, table, fd) + descriptor * sizeof(__u64);
    file = (__u64)READ(struct hlist_head, place, first); /* any structure that begins with a pointer */
    if (!file)
        return 0;
    inode = (__u64)READ(struct file, file, f_inode);
    if ((READ(struct inode, inode, i_mode) & S_IFMT) != S_IFSOCK)
        return 0;
    socket = (__u64)READ(struct file, file, private_data);
    return (__u64)READ(struct socket, socket, sk);
}

/* A system call is seen before it is known who serves it: a protocol before TCP copies, whatever the flags. */
static __always_inline __u32 kind_of_syscall(__u64 sk, __u32 flags) {
    return flags && is_layered(sk) ? NETIO_SEND_COPIED : kind_of_call(sk, 0, flags);
}

/* Before the socket is locked: a thread that sends through the same socket now makes the position uncertain, which
 * expect_next() notices. */
static __always_inline int syscall_enters(__u64 regs, __s64 number) {
    struct netio_task* task;
    struct socket_call call;
    __u64 sk;
    __u32 slot;

    if (!is_send(number))
        return 0;
    task = traced_task();
    if (!task || has_other_numbers(regs))
        return 0;
    task->msg = 0;
    call = send_of(regs, number);
    sk = socket_of(call.descriptor);
    if (!sk)
        return 0;
    slot = slot_of(task, sk);
    if (slot == NO_SLOT)
        return 0;
    task->msg = MSG_OF_SYSCALL;
    task->kind = kind_of_syscall(sk, call.flags);
    task->start_sequence = write_sequence(sk);
    note_position(task, sk, slot, task->kind, READ(struct sock, sk, sk_zckey.counter));
    return 0;
}

/* The bytes that the socket took since the call in progress began, which an earlier one of the same task may be. */
static __always_inline int ends_by_sequence(struct netio_task* task) {
    return send_ends(task->sk, 0, write_sequence(task->sk) - task->start_sequence);
}

/* The end of a send call that has begun at its system call or in a kprobe. */
static __always_inline int send_returns(__u64 regs, __s64 result) {
    __s64 number = number_of(regs);
    struct netio_task* task;
    struct socket_call call;
    __u64 sk;

    if (!is_send(number))
        return 0;
    task = traced_task();
    if (!task)
        return 0;
    call = send_of(regs, number);
    if (!task->msg) { /* it has begun before the measurement, or has failed before it came to TCP */
        sk = call.result_is_bytes ? socket_of(call.descriptor) : 0;
        return sk ? send_ends(sk, 0, result) : 0;
    }
    if (call.result_is_bytes || result < 0)
        send_ends(task->sk, 0, result);
    else
        ends_by_sequence(task);
    task->msg = 0;
    return 0;
}

static __always_inline int receive_returns(__u64 regs, __s64 result) {
    __s64 number = number_of(regs);
    struct netio_task* task;
    struct socket_call call;
    __u64 sk;

    if (!is_receive(number))
        return 0;
    task = traced_task();
    if (!task)
        return 0;
    call = receive_of(regs, number);
    sk = socket_of(call.descriptor);
    if (!sk) {
        task->received_bytes = 0;
        task->received_calls = 0;
        return 0;
    }
    if (!call.result_is_bytes && result > 0)
        result = task->received_bytes;
    return receive_ends(sk, result, call.flags);
}

#endif
