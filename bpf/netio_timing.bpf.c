/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long the stages of the data path take, by programs on the entry and the exit of a function of each.
 *
 * Stages lie inside of each other: a late copy happens in a softirq that runs at the end of a transmission in a send
 * call. So each thread has a stack of the stages it is in, and each stage is charged with what was not spent further
 * in. A softirq runs on the stack of the task it interrupts, and is therefore a part of what that task does.
 *
 * Counters are read per CPU. A thread changes the CPU only while it does not run, which is a stage of its own: what the
 * counters of two CPUs differ by cancels out between that stage and the ones around it. */
#include "pid_namespace.h"
#include "timing_abi.h"

/* Set before loading. */
const volatile bool counts = false;  /* whether hardware counters are there to be read */
const volatile bool records = false; /* whether each passage is told, for a timeline */
const volatile __u32 stage_of[NETIO_TIMED_FUNCTIONS] = {};
const volatile __u8 stage_of_call[NETIO_SYSTEM_CALLS] = {};
const volatile __u64 pidns_device = 0; /* set where user space is not in the initial pid namespace */
const volatile __u64 pidns_inode = 0;

/* Nothing is timed before user space says so, nor after. */
__u32 measuring = 0;
/* Stages left unseen, or entered unseen, and stages that lay too deep or were of one thread too many. */
__u64 missed = 0;
__u64 unrecorded = 0; /* passages for which the ring buffer had no room */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u32);
} targets SEC(".maps"); /* process id, as user space knows it -> role */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, NETIO_TIMED_THREADS);
    __type(key, __u32);
    __type(value, struct netio_timed_thread);
} threads SEC(".maps"); /* thread id, as the kernel knows it */

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, NETIO_TIMED_ROLES* NETIO_STAGES);
    __type(key, __u32);
    __type(value, struct netio_stage_sum);
} sums SEC(".maps");

/* A new thread's entry, which is too large for the stack of a program. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct netio_timed_thread);
} blank SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} cycles SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} instructions SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} passages SEC(".maps");

static __always_inline void miss(void) {
    __sync_fetch_and_add(&missed, 1);
}

/* The verifier must see the bound on the very register that the address is made of: the compiler may neither leave it
 * out, knowing better, nor use another register. */
static __always_inline struct netio_frame* frame_at(struct netio_timed_thread* thread, __u64 depth) {
    asm volatile("" : "+r"(depth));
    depth &= NETIO_DEPTH - 1;
    asm volatile("" : "+r"(depth));
    return &thread->frames[depth];
}

/* The time is read nearest to the stage, on either side of it. */
static __always_inline void read_at_entry(struct netio_reading* reading) {
    if (counts) {
        reading->instructions = bpf_perf_event_read(&instructions, BPF_F_CURRENT_CPU);
        reading->cycles = bpf_perf_event_read(&cycles, BPF_F_CURRENT_CPU);
    }
    reading->ns = bpf_ktime_get_ns();
}

static __always_inline void read_at_exit(struct netio_reading* reading) {
    reading->ns = bpf_ktime_get_ns();
    reading->cycles = 0;
    reading->instructions = 0;
    if (counts) {
        reading->cycles = bpf_perf_event_read(&cycles, BPF_F_CURRENT_CPU);
        reading->instructions = bpf_perf_event_read(&instructions, BPF_F_CURRENT_CPU);
    }
}

/* The place on the stack is taken before it is filled: an interrupt in between uses the next one, and gives it back. */
static __always_inline void enter(struct netio_timed_thread* thread, __u32 stage) {
    struct netio_frame* frame;
    __u64 depth = thread->depth;

    if (depth >= NETIO_DEPTH) {
        miss();
        return;
    }
    frame = frame_at(thread, depth);
    thread->depth = depth + 1;
    frame->stage = stage;
    __builtin_memset(&frame->inner, 0, sizeof(frame->inner));
    read_at_entry(&frame->begin);
}

static __always_inline void add(struct netio_reading* to, const struct netio_reading* more) {
    __sync_fetch_and_add(&to->ns, more->ns);
    __sync_fetch_and_add(&to->cycles, more->cycles);
    __sync_fetch_and_add(&to->instructions, more->instructions);
}

static __always_inline void charge(struct netio_timed_thread* thread, const struct netio_frame* frame,
                                   const struct netio_reading* spent) {
    struct netio_reading own = {spent->ns - frame->inner.ns, spent->cycles - frame->inner.cycles,
                                spent->instructions - frame->inner.instructions};
    __u32 index = thread->role * NETIO_STAGES + (__u32)frame->stage;
    struct netio_stage_sum* sum = bpf_map_lookup_elem(&sums, &index);

    if (!sum)
        return;
    __sync_fetch_and_add(&sum->calls, 1);
    add(&sum->own, &own);
}

static __always_inline void record(const struct netio_timed_thread* thread, const struct netio_frame* frame,
                                   __u64 duration_ns) {
    struct netio_passage passage = {frame->begin.ns, duration_ns, thread->id, (__u16)frame->stage, (__u16)thread->role};

    if (bpf_ringbuf_output(&passages, &passage, sizeof(passage), BPF_RB_NO_WAKEUP) != 0)
        __sync_fetch_and_add(&unrecorded, 1);
}

/* The depth below the innermost entry of this stage; NETIO_DEPTH where it was not entered while we looked. */
static __always_inline __u64 depth_of(struct netio_timed_thread* thread, __u32 stage) {
    __u64 depth = thread->depth;

    for (int i = 0; i < NETIO_DEPTH; ++i) {
        if (depth == 0)
            break;
        --depth;
        if (frame_at(thread, depth)->stage == stage)
            return depth;
    }
    return NETIO_DEPTH;
}

static __always_inline void leave(struct netio_timed_thread* thread, __u32 stage) {
    struct netio_reading end;
    struct netio_frame* frame;
    __u64 depth;

    read_at_exit(&end);
    depth = depth_of(thread, stage);
    if (depth >= NETIO_DEPTH)
        return; /* entered before measuring began, or in vain */
    if (depth + 1 != thread->depth)
        miss();
    frame = frame_at(thread, depth);
    end.ns -= frame->begin.ns;
    end.cycles -= frame->begin.cycles;
    end.instructions -= frame->begin.instructions;
    charge(thread, frame, &end);
    if (records)
        record(thread, frame, end.ns);
    if (depth > 0)
        add(&frame_at(thread, depth - 1)->inner, &end);
    thread->depth = depth;
}

static __always_inline struct netio_timed_thread* current_thread(void) {
    __u32 id = (__u32)bpf_get_current_pid_tgid();

    return bpf_map_lookup_elem(&threads, &id);
}

static __always_inline __u32 current_process(void) {
    return own_task_id(pidns_device, pidns_inode) >> 32;
}

/* A thread is known from its first system call on. */
static __always_inline struct netio_timed_thread* known_thread(void) {
    struct netio_timed_thread* thread = current_thread();
    struct netio_timed_thread* fresh;
    __u32 process, zero = 0, id = (__u32)bpf_get_current_pid_tgid();
    __u32* role;

    if (thread)
        return thread;
    process = current_process();
    role = bpf_map_lookup_elem(&targets, &process);
    fresh = bpf_map_lookup_elem(&blank, &zero);
    if (!role || !fresh || *role >= NETIO_TIMED_ROLES)
        return 0;
    fresh->id = id;
    fresh->role = *role;
    if (bpf_map_update_elem(&threads, &id, fresh, BPF_NOEXIST) != 0)
        miss();
    return bpf_map_lookup_elem(&threads, &id);
}

static __always_inline int function_entered(__u32 function) {
    struct netio_timed_thread* thread = measuring ? current_thread() : 0;

    if (thread)
        enter(thread, stage_of[function]);
    return 0;
}

static __always_inline int function_left(__u32 function) {
    struct netio_timed_thread* thread = measuring ? current_thread() : 0;

    if (thread)
        leave(thread, stage_of[function]);
    return 0;
}

/* Where they hang is for user space to say. */
#define TIMED_FUNCTION(number)           \
    SEC("fentry")                        \
    int entered_##number(void* ctx) {    \
        return function_entered(number); \
    }                                    \
    SEC("fexit")                         \
    int left_##number(void* ctx) {       \
        return function_left(number);    \
    }

TIMED_FUNCTION(0)
TIMED_FUNCTION(1)
TIMED_FUNCTION(2)
TIMED_FUNCTION(3)
TIMED_FUNCTION(4)
TIMED_FUNCTION(5)
TIMED_FUNCTION(6)
TIMED_FUNCTION(7)
TIMED_FUNCTION(8)
TIMED_FUNCTION(9)
TIMED_FUNCTION(10)
TIMED_FUNCTION(11)
TIMED_FUNCTION(12)
TIMED_FUNCTION(13)
TIMED_FUNCTION(14)
TIMED_FUNCTION(15)

/* sys_enter(registers, number) */
SEC("tp_btf/sys_enter")
int system_call_entered(__u64* ctx) {
    struct netio_timed_thread* thread = measuring ? known_thread() : 0;

    if (thread) {
        thread->depth = 0; /* whatever was missed ends here */
        enter(thread, stage_of_call[ctx[1] & (NETIO_SYSTEM_CALLS - 1)]);
    }
    return 0;
}

SEC("tp_btf/sys_exit")
int system_call_left(__u64* ctx) {
    struct netio_timed_thread* thread = measuring ? current_thread() : 0;

    if (thread && thread->depth != 0)
        leave(thread, (__u32)thread->frames[0].stage);
    return 0;
}

#define NET_TX_SOFTIRQ 2
#define NET_RX_SOFTIRQ 3

/* softirq_entry(number), softirq_exit(number) */
SEC("tp_btf/softirq_entry")
int softirq_entered(__u64* ctx) {
    struct netio_timed_thread* thread = measuring ? current_thread() : 0;

    if (thread && (ctx[0] == NET_TX_SOFTIRQ || ctx[0] == NET_RX_SOFTIRQ))
        enter(thread, NETIO_STAGE_SOFTIRQ);
    return 0;
}

SEC("tp_btf/softirq_exit")
int softirq_left(__u64* ctx) {
    struct netio_timed_thread* thread = measuring ? current_thread() : 0;

    if (thread && (ctx[0] == NET_TX_SOFTIRQ || ctx[0] == NET_RX_SOFTIRQ))
        leave(thread, NETIO_STAGE_SOFTIRQ);
    return 0;
}

/* sched_switch(preempt, previous task, next task) */
SEC("tp_btf/sched_switch")
int thread_switched(__u64* ctx) {
    struct task_struct* previous = (struct task_struct*)ctx[1];
    struct task_struct* next = (struct task_struct*)ctx[2];
    struct netio_timed_thread* thread;
    __u32 id;

    if (!measuring)
        return 0;
    id = previous->pid;
    thread = bpf_map_lookup_elem(&threads, &id);
    if (thread)
        enter(thread, NETIO_STAGE_WAITING);
    id = next->pid;
    thread = bpf_map_lookup_elem(&threads, &id);
    if (thread)
        leave(thread, NETIO_STAGE_WAITING);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
