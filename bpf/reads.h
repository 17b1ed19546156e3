/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One way to read kernel memory, for every tier.
 *
 * Where the kernel has bpf_rdonly_cast (Linux 6.2) a read is a plain load that the verifier guards. That is fast, and
 * it is the only kind of read that lockdown=confidentiality leaves. Elsewhere the read is bpf_probe_read_kernel. The
 * choice is a constant when the program is verified, so the other branch is dead code that the kernel removes. */
#ifndef NETIO_READS_H
#define NETIO_READS_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

extern void* bpf_rdonly_cast(const void* object, __u32 btf_id) __ksym __weak;

const volatile bool direct_reads = false;

#define CAST(type, pointer) ((type*)bpf_rdonly_cast((const void*)(pointer), bpf_core_type_id_kernel(type)))

/* The member `field` of the `type` at address `pointer`. */
#define READ(type, pointer, field)                                              \
    ({                                                                          \
        typeof(((type*)0)->field) value_;                                       \
        if (direct_reads)                                                       \
            value_ = CAST(type, pointer)->field;                                \
        else                                                                    \
            bpf_core_read(&value_, sizeof(value_), &((type*)(pointer))->field); \
        value_;                                                                 \
    })

#define READ_BITFIELD(type, pointer, field)                         \
    ({                                                              \
        __u64 value_;                                               \
        if (direct_reads) {                                         \
            type* object_ = CAST(type, pointer);                    \
            value_ = BPF_CORE_READ_BITFIELD(object_, field);        \
        } else {                                                    \
            type* object_ = (type*)(pointer);                       \
            value_ = BPF_CORE_READ_BITFIELD_PROBED(object_, field); \
        }                                                           \
        value_;                                                     \
    })

/* Eight bytes of kernel memory. */
static __always_inline __u64 word_at(__u64 address) {
    return (__u64)READ(struct list_head, address, next);
}

/* A string of at most 15 characters, without the helper for strings, which lockdown forbids. What follows the end is
 * whatever lies there. */
static __always_inline void read_name(char name[16], __u64 address) {
    __u64 words[2] = {word_at(address), word_at(address + 8)};

    __builtin_memcpy(name, words, sizeof(words));
    name[15] = 0;
}

/* The address of a member that is itself a structure. */
#define ADDRESS(type, pointer, field) ((__u64)(pointer) + bpf_core_field_offset(type, field))

#endif
