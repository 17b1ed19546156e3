/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that stay on their CPU until they are done.
 *
 * The kernel does not run a tracing program that is running on the same CPU already. Where a task can be preempted
 * while it runs one, the events of the tasks that run meanwhile are lost, and counters that belong to a CPU are written
 * by two tasks at once. So a program that runs in tasks keeps the CPU where it can (bpf_preempt_disable, Linux 6.10).
 * Functions that are not static cannot be called meanwhile before Linux 6.15. */
#ifndef NETIO_PREEMPTION_H
#define NETIO_PREEMPTION_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

const volatile bool functions_preempt = false; /* fentry and fexit, on every preemptible kernel */
const volatile bool tracepoints_preempt =
    false; /* Linux 7.0: tracepoints are read under SRCU; before they kept the CPU */

static __always_inline void keep_cpu(bool preemptible) {
    if (preemptible)
        bpf_preempt_disable();
}

static __always_inline void release_cpu(bool preemptible) {
    if (preemptible)
        bpf_preempt_enable();
}

/* Does `work` on one CPU; for programs, which return 0. */
#define ON_ONE_CPU(preemptible, work) \
    ({                                \
        keep_cpu(preemptible);        \
        work;                         \
        release_cpu(preemptible);     \
        0;                            \
    })

#endif
