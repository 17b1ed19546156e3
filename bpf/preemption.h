/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that run in tasks, on kernels that preempt them there.
 *
 * The kernel does not run a tracing program that is running on the same CPU already. Where a task is preempted while it
 * runs one, the program is skipped for the tasks that run meanwhile, up to a time slice long. So such a program hangs
 * in four copies there, as name, name_2, name_3 and name_4: each takes what those before it had to miss. To lose an
 * event four tasks must have been preempted on one CPU, each in another copy.
 *
 * Where kprobes are allowed, there are also programs that cannot be preempted (unpreempted.h).
 *
 * Counters of a CPU must not be written by two tasks at once, so a program keeps the CPU while it works where it can
 * (bpf_preempt_disable, Linux 6.10; functions that are not static cannot be called meanwhile before Linux 6.15). A task
 * that should have been preempted is when the program releases the CPU: still in the program, which is why copies are
 * needed all the same. */
#ifndef NETIO_PREEMPTION_H
#define NETIO_PREEMPTION_H

#include "sockets.h"

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

const volatile bool functions_preempt = false;   /* fentry and fexit */
const volatile bool tracepoints_preempt = false; /* Linux 7.0; before, they kept the CPU */
const volatile bool cpu_can_be_kept = false;

static __always_inline void keep_cpu(bool preemptible) {
    if (preemptible && cpu_can_be_kept)
        bpf_preempt_disable();
}

static __always_inline void release_cpu(bool preemptible) {
    if (preemptible && cpu_can_be_kept)
        bpf_preempt_enable();
}

/* The body of a program, which returns 0. */
#define ON_ONE_CPU(preemptible, work) \
    ({                                \
        keep_cpu(preemptible);        \
        work;                         \
        release_cpu(preemptible);     \
        0;                            \
    })

#define LAST_COPY 4

#define COPY_OF(section, name, suffix, number) \
    SEC(section)                               \
    int name##suffix(__u64* ctx) {             \
        return name##_in(ctx, number);         \
    }

/* Programs `name`, `name`_2, `name`_3 and `name`_4 of the function `name`_in(ctx, number of the copy). */
#define FOUR_COPIES(section, name) \
    COPY_OF(section, name, , 1)    \
    COPY_OF(section, name, _2, 2)  \
    COPY_OF(section, name, _3, 3)  \
    COPY_OF(section, name, _4, LAST_COPY)

enum seen_event {
    SEEN_SEND_END = 1,
    SEEN_RECEIVE_COPY = 2,
    SEEN_RECEIVE_END = 4,
};

/* Whether this copy of a program on a tracepoint has to do the work: no copy before it in the order of attachment, in
 * which they run, has done so. The last one ends the event. */
static __always_inline bool falls_to(__u32 copy, enum seen_event event) {
    struct netio_task* task;
    bool seen;

    if (!tracepoints_preempt)
        return true;
    task = traced_task();
    if (!task)
        return false;
    seen = copy != 1 && task->seen & event;
    if (copy == LAST_COPY)
        task->seen &= ~event;
    else
        task->seen |= event;
    return !seen;
}

#endif
