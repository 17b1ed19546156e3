/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The call stack above an allocation: which copying function allocates, and for whom.
 *
 * Unwinding costs more than all else in a copy's record, and a program comes to the same few stacks again and again.
 * So where the return addresses of a stack lay is remembered, counted from the context of the program (which lies on
 * the same kernel stack), and the next stack is first compared with what is known: it is the same when the same return
 * addresses lie in the same places. Now and then a stack that was recognised is unwound all the same. */
#ifndef NETIO_STACKS_H
#define NETIO_STACKS_H

#include "copies.h"
#include "machine.h"

#define HASHED_FRAMES 3 /* the copying function, its caller, and the caller's caller */
/* Frames that suffice to know a copy again. Only allocators lie between an allocation and the copying function: fewer
 * of them for a page than for a packet's linear area. */
#define PAGE_WALK 9
#define HEAD_WALK 13

#define KNOWN_STACKS 4     /* a power of 2 */
#define UNWIND_EVERY 1024U /* recognised stacks; a power of 2 */

struct known_stack {
    __u64 frames[HASHED_FRAMES];
    __u32 offsets[HASHED_FRAMES]; /* bytes from the context */
    __u32 found;                  /* of the offsets; the entry is in use when all are */
    __u32 hash;
    __u8 copier;
    __u8 pad[7];
};

struct known_stacks {
    struct known_stack entries[KNOWN_STACKS];
    __u64 context;
    __u32 next; /* entry to be replaced next */
    __u32 recognised;
    __u32 at; /* the copying function in the stack unwound last */
    __u32 hash;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct known_stacks);
} stacks SEC(".maps");

/* What a stack says of an allocation. */
struct copying_stack {
    __u32 hash;
    __u8 copier; /* NETIO_COPIER_UNKNOWN: no copying function is on it */
};

static __always_inline struct netio_event* scratch_stack(void) {
    __u32 zero = 0;

    return bpf_map_lookup_elem(&scratch, &zero);
}

/* The innermost frames of the call stack. */
static __always_inline void walk_stack(void* ctx, struct netio_event* stack, int frames) {
    __builtin_memset(stack->frames, 0, HEAD_WALK * sizeof(stack->frames[0]));
    bpf_get_stack(ctx, stack->frames, frames * sizeof(stack->frames[0]), 0);
}

/* FNV-1a over `frames` frames from `first` on: the copying function and its callers, without the way into softirq. */
static __always_inline __u32 hash_frames(const struct netio_event* stack, __u32 first, int frames) {
    __u32 hash = 2166136261U;

    for (int i = 0; i < frames; i++) {
        __u32 at = first + i;

        if (at < HEAD_WALK) {
            hash = (hash ^ (__u32)stack->frames[at]) * 16777619U;
        }
    }
    return hash;
}

/* The first copying function in the stack unwound last: which one, where, and the hash from it on. Returns
 * NETIO_COPIER_UNKNOWN where there is none. Not static, so that the verifier looks at it once, and not once for each
 * place where it is called and for each frame and function that it can find. */
__noinline int find_copier(__u32 frames) {
    struct netio_event* stack = scratch_stack();
    struct known_stacks* all;
    __u32 zero = 0;

    all = bpf_map_lookup_elem(&stacks, &zero);
    if (!all || !stack)
        return NETIO_COPIER_UNKNOWN;
    for (__u32 i = 0; i <= HEAD_WALK - HASHED_FRAMES; i++) {
        __u64 frame = stack->frames[i];

        if (i + HASHED_FRAMES > frames)
            break;
        for (int c = 1; c < NETIO_COPIERS; c++) {
            if (within(&copiers[c], frame - 1)) {
                all->at = i;
                all->hash = hash_frames(stack, i, HASHED_FRAMES);
                return c;
            }
        }
    }
    return NETIO_COPIER_UNKNOWN;
}

static __always_inline bool lies_there(const struct known_stack* known, __u64 context) {
    if (known->found != HASHED_FRAMES)
        return false;
    for (int i = 0; i < HASHED_FRAMES; i++) {
        if (!returns_to(context + known->offsets[i], known->frames[i]))
            return false;
    }
    return true;
}

static __always_inline struct known_stack* newest(struct known_stacks* all) {
    return &all->entries[(all->next - 1) & (KNOWN_STACKS - 1)];
}

/* Compares one word of the kernel stack with the frame that is looked for next. Returns 1 when all have been found.
 * Not static, as find_copier. */
__noinline int look_at_word(__u32 at) {
    struct known_stack* known;
    struct known_stacks* all;
    __u32 zero = 0;
    __u32 next;

    all = bpf_map_lookup_elem(&stacks, &zero);
    if (!all)
        return 1;
    known = newest(all);
    next = known->found;
    if (next >= HASHED_FRAMES)
        return 1;
    if (returns_to(all->context + at * sizeof(__u64), known->frames[next])) {
        known->offsets[next] = at * sizeof(__u64);
        known->found = next + 1;
    }
    return 0;
}

/* Notes where the frames of the stack unwound last lie. An entry stays unused where they are not found: no harm is
 * done. Not static, as find_copier. */
__noinline int remember_stack(__u32 copier) {
    struct netio_event* stack = scratch_stack();
    struct known_stack* known;
    struct known_stacks* all;
    __u32 zero = 0;
    __u32 at;

    all = bpf_map_lookup_elem(&stacks, &zero);
    if (!all || !stack)
        return 0;
    at = all->at;
    if (at > HEAD_WALK - HASHED_FRAMES)
        return 0;
    all->next += 1;
    known = newest(all);
    known->found = 0;
    for (int i = 0; i < HASHED_FRAMES; i++)
        known->frames[i] = stack->frames[at + i];
    known->copier = copier;
    known->hash = all->hash;
    for (__u32 i = 0; i < STACK_WORDS; i++) {
        if (look_at_word(i))
            break;
    }
    return 0;
}

static __always_inline struct copying_stack unwind(void* ctx, struct known_stacks* all, bool keep, int frames) {
    struct copying_stack seen = {};
    struct netio_event* stack = scratch_stack();

    if (!stack)
        return seen;
    walk_stack(ctx, stack, frames);
    seen.copier = find_copier(frames);
    if (!seen.copier)
        return seen;
    seen.hash = all->hash;
    if (keep)
        remember_stack(seen.copier);
    return seen;
}

/* The stack of this allocation; at most `frames` frames of it are unwound. */
static __always_inline struct copying_stack stack_above(void* ctx, int frames) {
    struct copying_stack seen = {};
    struct known_stacks* all;
    __u32 zero = 0;

    all = bpf_map_lookup_elem(&stacks, &zero);
    if (!all)
        return seen;
    /* Through memory, for the verifier has rules of its own for calculating with a context. */
    *(volatile __u64*)&all->context = (__u64)ctx;
    for (int i = 0; i < KNOWN_STACKS; i++) {
        const struct known_stack* known = &all->entries[i];

        if (!lies_there(known, *(volatile __u64*)&all->context))
            continue;
        if (++all->recognised & (UNWIND_EVERY - 1)) {
            seen.hash = known->hash;
            seen.copier = known->copier;
            return seen;
        }
        seen = unwind(ctx, all, false, frames);
        if (seen.hash != known->hash)
            __sync_fetch_and_add(&lost_copies, 1);
        return seen;
    }
    return unwind(ctx, all, true, frames);
}

#endif
