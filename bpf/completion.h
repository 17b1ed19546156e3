/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's own record of each range of zero-copy calls, taken before notifications are merged: how many calls, how
 * many bytes, and whether the zerocopy bit survived.
 *
 * The callback of a record runs once, with the range as it was before any merge: it needs no more than the positions of
 * two calls. Where the callback cannot be attached, a record is seen as a notification: when it is queued, when it is
 * freed because it was merged into an older one, and when the program reads it. What is read may cover calls that were
 * counted with their own record already, and it has the flag of the first of them: the kernel merges ranges without
 * comparing their flags (skb_zerocopy_notify_extend). So every call is counted once, by whoever claims it first, and
 * where its own record shows itself only then, it is moved to where that says. */
#ifndef NETIO_COMPLETION_H
#define NETIO_COMPLETION_H

#include "packet.h"
#include "send.h"

#define SO_EE_ORIGIN_ZEROCOPY 5
#define SO_EE_CODE_ZEROCOPY_COPIED 1

/* The position after call `id`. Where a later call has begun, it began there; where the call has returned, that is
 * known; else the call is still in the kernel and has taken all that it will take, for its reference to the ubuf_info
 * is the last to go. What is known of the socket was read first, and write_seq before the rest: where neither is known
 * afterwards, no other call can have moved it. */
struct progress {
    __u32 now;
    __u32 end_id;
    __u32 end_position;
};

static __always_inline struct progress progress_of(struct netio_socket* socket, __u64 sk) {
    struct progress seen;

    seen.now = write_sequence(sk) - *(volatile __u32*)&socket->plain_position;
    seen.end_id = *(volatile __u32*)&socket->end_id;
    seen.end_position = *(volatile __u32*)&socket->end_position;
    return seen;
}

static __always_inline __u32 position_after(const struct progress* seen, __u32 slot, __u32 id) {
    struct netio_call* next = call_entry(slot, id + 1);

    if (next && next->id == id + 1)
        return next->position;
    return seen->end_id == id ? seen->end_position : seen->now;
}

/* Always 0, which the verifier does not know: it would follow a sum that begins with a known number through every turn
 * of a loop. */
__u32 unknown_zero = 0;

/* What a call has been counted by: nothing, a queued notification that may have been merged, or its own record. */
enum netio_account {
    NOT_ACCOUNTED = 0,
    KEPT_BY_QUEUE = 1,
    COPIED_BY_QUEUE = 2,
    BY_RECORD = 3,
};

/* A range of calls with one outcome, counted call by call. */
struct completed_range {
    struct progress seen;
    __u32 slot;
    __u32 first;
    __u32 copied;
    __u32 account;
    __u32 calls;
    __u32 unresolved;
    __u32 moved_calls; /* that a queued notification had counted with the other outcome */
    __u32 pad;
    __u64 bytes;
    __u64 moved_bytes;
};

/* What the call had been accounted by. `atomic`: two records that cover a call may be looked at on two CPUs. Linux 5.10
 * and 5.11 refuse a program with a compare-and-swap even where it is dead code; there two CPUs would have to come to
 * the same call within nanoseconds. */
static __always_inline __u32 claim(struct netio_call* call, __u32 account, bool atomic) {
    __u32 before = call->accounted;

    if (atomic)
        return account == BY_RECORD ? __sync_lock_test_and_set(&call->accounted, BY_RECORD)
                                    : __sync_val_compare_and_swap(&call->accounted, NOT_ACCOUNTED, account);
    if (!before)
        call->accounted = account;
    return before;
}

static __always_inline void complete_call(struct completed_range* range, __u32 index, bool atomic) {
    __u32 id = range->first + index;
    struct netio_call* call = call_entry(range->slot, id);
    __u32 before;
    __u64 bytes;

    if (!call)
        return;
    if (call->id != id) {
        range->unresolved += 1;
        return;
    }
    before = claim(call, range->account, atomic);
    bytes = position_after(&range->seen, range->slot, id) - call->position;
    if (before == NOT_ACCOUNTED) {
        range->calls += 1;
        range->bytes += bytes;
    } else if (range->account == BY_RECORD && before == (range->copied ? KEPT_BY_QUEUE : COPIED_BY_QUEUE)) {
        range->moved_calls += 1;
        range->moved_bytes += bytes;
    }
}

static long complete_call_of(__u32 index, struct completed_range* range) {
    complete_call(range, index, true);
    return 0;
}

static __always_inline void count_range(const struct completed_range* range) {
    __u32 site = range->copied ? NETIO_COMPLETED_COPIED : NETIO_COMPLETED_ZEROCOPY;
    __u32 other = range->copied ? NETIO_COMPLETED_ZEROCOPY : NETIO_COMPLETED_COPIED;

    if (range->calls)
        count(range->slot, site, range->calls, range->bytes);
    if (range->unresolved)
        count(range->slot, NETIO_COMPLETED_UNRESOLVED, range->unresolved, 0);
    if (range->moved_calls) {
        /* The sum over all CPUs is what counts, and it never falls below zero. */
        count(range->slot, other, -(__u64)range->moved_calls, -range->moved_bytes);
        count(range->slot, site, range->moved_calls, range->moved_bytes);
    }
}

/* False where the calls cannot be told apart. */
static __always_inline bool begin_range(struct completed_range* range, __u64 sk, __u32 first, __u32 copied,
                                        __u32 account) {
    struct netio_socket* socket;

    range->slot = known_slot(sk);
    if (range->slot == NO_SLOT)
        return false;
    socket = bpf_map_lookup_elem(&sockets, &range->slot);
    if (!socket || socket->shared)
        return false;
    range->seen = progress_of(socket, sk);
    range->first = first;
    range->copied = copied;
    range->account = account;
    range->calls = *(volatile __u32*)&unknown_zero;
    range->unresolved = *(volatile __u32*)&unknown_zero;
    range->moved_calls = *(volatile __u32*)&unknown_zero;
    range->bytes = *(volatile __u32*)&unknown_zero;
    range->moved_bytes = *(volatile __u32*)&unknown_zero;
    return true;
}

/* A static function whose result is known or not used is compiled to one that returns nothing, which the verifier
 * refuses. */
static __always_inline int zero_for_verifier(void) {
    int zero = 0;

    asm volatile("" : "+r"(zero));
    return zero;
}

/* Linux 5.17: bpf_loop. */
static __noinline int complete_atomically(__u64 sk, __u32 first, __u32 calls, __u32 copied, __u32 account) {
    struct completed_range range;

    if (begin_range(&range, sk, first, copied, account)) {
        bpf_loop(calls, complete_call_of, &range, 0);
        count_range(&range);
    }
    return zero_for_verifier();
}

/* Without bpf_loop the verifier looks at every turn of a loop, so there is as little in it as can be: functions that
 * are not static, which the verifier looks at once. */
__noinline int complete_one_call(__u64 sk, __u32 id, __u32 copied) {
    struct completed_range range;

    if (begin_range(&range, sk, id, copied, BY_RECORD)) {
        complete_call(&range, 0, false);
        count_range(&range);
    }
    return 0;
}

#define PART_CALLS 256U
#define PARTS 64U

/* The first PART_CALLS of `calls`. */
__noinline int complete_part(__u64 sk, __u32 first, __u32 calls, __u32 copied) {
    for (__u32 i = 0; i < PART_CALLS; i++) {
        if (i >= calls)
            break;
        complete_one_call(sk, first + i, copied);
    }
    return 0;
}

static __noinline int complete_plainly(__u64 sk, __u32 first, __u32 calls, __u32 copied) {
    for (__u32 done = 0; done < PARTS * PART_CALLS; done += PART_CALLS) {
        if (done >= calls)
            break;
        complete_part(sk, first + done, calls - done, copied);
    }
    return zero_for_verifier();
}

static __always_inline int complete_calls(__u64 sk, __u32 first, __u32 last, __u32 copied, bool by_record,
                                          bool atomic) {
    __u32 account = by_record ? BY_RECORD : copied ? COPIED_BY_QUEUE : KEPT_BY_QUEUE;
    __u32 slot = known_slot(sk);
    __u32 calls = last - first + 1;
    __u32 known = atomic ? call_ring : PARTS * PART_CALLS;
    struct netio_socket* socket;

    if (slot == NO_SLOT)
        return 0;
    socket = bpf_map_lookup_elem(&sockets, &slot);
    if (!socket || socket->in_sockmap) /* calls within calls were numbered, which nobody has noted */
        return 0;
    if (known > call_ring)
        known = call_ring;
    if (socket->shared)
        known = 0;
    if (calls > known) {
        count(slot, NETIO_COMPLETED_UNRESOLVED, calls - known, 0);
        first += calls - known;
        calls = known;
    }
    return atomic ? complete_atomically(sk, first, calls, copied, account) : complete_plainly(sk, first, calls, copied);
}

/* The record that the callback completes: nobody else sees it. */
static __noinline int complete_record(__u64 sk, __u32 first, __u32 last, __u32 copied) {
    __u32 slot = known_slot(sk);
    struct netio_socket* socket;
    struct netio_call* call;
    struct progress seen;

    if (slot == NO_SLOT)
        return zero_for_verifier();
    socket = bpf_map_lookup_elem(&sockets, &slot);
    call = call_entry(slot, first);
    if (!socket || !call || socket->in_sockmap)
        return zero_for_verifier();
    if (call->id != first || socket->shared) {
        count(slot, NETIO_COMPLETED_UNRESOLVED, last - first + 1, 0);
        return zero_for_verifier();
    }
    seen = progress_of(socket, sk);
    count(slot, copied ? NETIO_COMPLETED_COPIED : NETIO_COMPLETED_ZEROCOPY, last - first + 1,
          position_after(&seen, slot, last) - call->position);
    return zero_for_verifier();
}

/* What a ubuf_info says when its last reference is gone. */
struct record {
    __u32 first;
    __u32 calls; /* 0: one call, aborted; its id was given back */
    bool kept;   /* no byte was copied that the kernel knows of */
};

static __always_inline struct record record_of(__u64 uarg) {
    struct record seen;

    if (bpf_core_type_exists(struct ubuf_info_msgzc)) {
        seen.first = READ(struct ubuf_info_msgzc, uarg, id);
        seen.calls = READ(struct ubuf_info_msgzc, uarg, len);
        seen.kept = READ_BITFIELD(struct ubuf_info_msgzc, uarg, zerocopy);
    } else {
        seen.first = READ(struct ubuf_info___one_type, uarg, id);
        seen.calls = READ(struct ubuf_info___one_type, uarg, len);
        seen.kept = READ_BITFIELD(struct ubuf_info___one_type, uarg, zerocopy);
    }
    return seen;
}

/* A ubuf_info as __msg_zerocopy_callback gets it. */
static __always_inline int complete_ubuf(__u64 uarg, bool seen_again) {
    struct record seen;
    __u32 last;

    if (!measuring)
        return 0;
    seen = record_of(uarg);
    if (!seen.calls)
        return 0;
    last = seen.first + seen.calls - 1;
    return seen_again ? complete_calls(sender_of(uarg), seen.first, last, !seen.kept, true, true)
                      : complete_record(sender_of(uarg), seen.first, last, !seen.kept);
}

/* A notification as it stands in the control block of a packet (struct sock_exterr_skb). */
static __always_inline bool is_notification(__u64 serr) {
    return READ(struct sock_exterr_skb, serr, ee.ee_origin) == SO_EE_ORIGIN_ZEROCOPY;
}

/* Where the first call of a notification that was queued is kept; 0 where it is not known any more. */
static __always_inline struct netio_call* head_of_queued(__u64 sk, __u32 first) {
    struct netio_call* call = call_entry(known_slot(sk), first);

    return call && call->id == first ? call : 0;
}

/* sk_error_report: the newest notification is the last of the queue. The queue is not locked, so what was read counts
 * only where the notification is still there afterwards: it shows itself again when it is freed. One that was seen
 * before has grown by a record that is freed next, and that knows its own flag. */
static __always_inline int error_reported(__u64 sk) {
    __u64 queue, newest, serr;
    __u32 first, last, copied;
    struct netio_call* head;

    if (!measuring || known_slot(sk) == NO_SLOT)
        return 0;
    queue = sk + bpf_core_field_offset(struct sock, sk_error_queue);
    newest = (__u64)READ(struct sk_buff_head, queue, prev);
    if (!newest || newest == queue)
        return 0;
    serr = ADDRESS(struct sk_buff, newest, cb);
    if (!is_notification(serr))
        return 0;
    first = READ(struct sock_exterr_skb, serr, ee.ee_info);
    last = READ(struct sock_exterr_skb, serr, ee.ee_data);
    copied = READ(struct sock_exterr_skb, serr, ee.ee_code) & SO_EE_CODE_ZEROCOPY_COPIED;
    if ((__u64)READ(struct sk_buff_head, queue, prev) != newest)
        return 0;
    head = head_of_queued(sk, first);
    if (head && head->heads)
        return 0;
    if (head)
        head->heads = 1;
    return complete_calls(sk, first, last, copied, false, true);
}

/* A dead socket is told nothing: the packet that would be the notification is still a ubuf_info. */
static __always_inline int dead_completes(__u64 sk, __u64 uarg, bool atomic) {
    struct record seen = record_of(uarg);

    return seen.calls ? complete_calls(sk, seen.first, seen.first + seen.calls - 1, !seen.kept, true, atomic) : 0;
}

/* consume_skb: the kernel frees a notification that it merged into another one, the readers of the error queue free
 * what they have read. Notifications are the only packets of a socket that have no bytes, not even headers. */
static __always_inline int packet_consumed(__u64 skb, bool atomic) {
    struct netio_call* head;
    __u64 sk, serr;
    __u32 first;

    if (!measuring || !skb || READ(struct sk_buff, skb, len))
        return 0;
    sk = (__u64)READ(struct sk_buff, skb, sk);
    if (known_slot(sk) == NO_SLOT)
        return 0;
    serr = ADDRESS(struct sk_buff, skb, cb);
    if (READ(struct sock, sk, __sk_common.skc_flags) & (1ULL << bpf_core_enum_value(enum sock_flags, SOCK_DEAD)))
        return dead_completes(sk, serr, atomic);
    if (!is_notification(serr))
        return 0;
    first = READ(struct sock_exterr_skb, serr, ee.ee_info);
    head = head_of_queued(sk, first);
    return complete_calls(sk, first, READ(struct sock_exterr_skb, serr, ee.ee_data),
                          READ(struct sock_exterr_skb, serr, ee.ee_code) & SO_EE_CODE_ZEROCOPY_COPIED,
                          !head || !head->heads, atomic);
}

#endif
