/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All that differs from one processor architecture to another: numbers and registers of system calls, and what return
 * addresses look like on the stack. The registers themselves are in vmlinux.h; those of function arguments are libbpf's
 * to know (PT_REGS_PARM*). */
#ifndef NETIO_MACHINE_H
#define NETIO_MACHINE_H

#include "reads.h"

#if defined(__TARGET_ARCH_x86)

/* arch/x86/entry/syscalls/syscall_64.tbl */
enum syscall_number {
    SYSCALL_READ = 0,
    SYSCALL_WRITE = 1,
    SYSCALL_READV = 19,
    SYSCALL_WRITEV = 20,
    SYSCALL_SENDFILE = 40,
    SYSCALL_SENDTO = 44,
    SYSCALL_RECVFROM = 45,
    SYSCALL_SENDMSG = 46,
    SYSCALL_RECVMSG = 47,
    SYSCALL_SPLICE = 275,
    SYSCALL_RECVMMSG = 299,
    SYSCALL_SENDMMSG = 307,
    SYSCALL_IO_URING_ENTER = 426,
};

/* Arguments of a system call; they stand in the same registers when it returns. */
#define ARGUMENT_1(regs) READ(struct pt_regs, regs, di)
#define ARGUMENT_3(regs) READ(struct pt_regs, regs, dx)
#define ARGUMENT_4(regs) READ(struct pt_regs, regs, r10)
#define NUMBER(regs) READ(struct pt_regs, regs, orig_ax)

#define CODE_SEGMENT_32 0x23

/* Whether the program has the system calls of 32 bits, which have other numbers. */
static __always_inline bool has_other_numbers(__u64 regs) {
    return (READ(struct pt_regs, regs, cs) & 0xffff) == CODE_SEGMENT_32;
}

/* How far from a program's context return addresses are looked for, in words. */
#define STACK_WORDS 224

static __always_inline bool returns_to(__u64 place, __u64 address) {
    return word_at(place) == address;
}

#elif defined(__TARGET_ARCH_arm64)

/* include/uapi/asm-generic/unistd.h */
enum syscall_number {
    SYSCALL_READ = 63,
    SYSCALL_WRITE = 64,
    SYSCALL_READV = 65,
    SYSCALL_WRITEV = 66,
    SYSCALL_SENDFILE = 71,
    SYSCALL_SPLICE = 76,
    SYSCALL_SENDTO = 206,
    SYSCALL_RECVFROM = 207,
    SYSCALL_SENDMSG = 211,
    SYSCALL_RECVMSG = 212,
    SYSCALL_RECVMMSG = 243,
    SYSCALL_SENDMMSG = 269,
    SYSCALL_IO_URING_ENTER = 426,
};

/* The result takes the place of the first argument (el0_svc_common). */
#define ARGUMENT_1(regs) READ(struct pt_regs, regs, orig_x0)
#define ARGUMENT_3(regs) READ(struct pt_regs, regs, regs[2])
#define ARGUMENT_4(regs) READ(struct pt_regs, regs, regs[3])
#define NUMBER(regs) READ(struct pt_regs, regs, syscallno)

#define PSR_MODE32_BIT 0x10

static __always_inline bool has_other_numbers(__u64 regs) {
    return READ(struct pt_regs, regs, pstate) & PSR_MODE32_BIT;
}

/* Frames are larger than those of x86-64. */
#define STACK_WORDS 384

/* Where the processor signs return addresses (FEAT_PAuth), the word on the stack has the signature in its upper bits,
 * which the unwinder takes off. Kernel addresses do not differ there; 48 bits of them are used at least. */
#define ADDRESS_BITS 0xffffffffffffULL

static __always_inline bool returns_to(__u64 place, __u64 address) {
    /* Read as a number: the verifier lets nobody calculate with what it takes for a pointer. */
    return !((READ(struct timespec64, place, tv_sec) ^ address) & ADDRESS_BITS);
}

#else
#error "this architecture has no system call numbers in bpf/machine.h"
#endif

#endif
