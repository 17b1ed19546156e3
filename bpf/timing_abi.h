/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs that time the stages of the data path and user space tell each other. */
#ifndef NETIO_TIMING_ABI_H
#define NETIO_TIMING_ABI_H

#ifdef __cplusplus
#include <linux/types.h>
#else
#include "vmlinux.h"
#endif

/* Stages that tracepoints tell of; the others are numbered by user space. */
enum netio_stage {
    NETIO_STAGE_SYSTEM_CALL = 0, /* one that is neither of the next two */
    NETIO_STAGE_SEND_CALL = 1,
    NETIO_STAGE_RECEIVE_CALL = 2,
    NETIO_STAGE_SOFTIRQ = 3, /* NET_RX and NET_TX */
    NETIO_STAGE_WAITING = 4,
    NETIO_STAGES = 16,
};

#define NETIO_TIMED_FUNCTIONS 16
#define NETIO_TIMED_ROLES 2
#define NETIO_TIMED_THREADS 1024
#define NETIO_SYSTEM_CALLS 512 /* a power of 2; architectures number fewer */
#define NETIO_DEPTH 16         /* a power of 2 */

/* Time, and what the counters of a CPU stand at. Differences only mean something, and may wrap in between. */
struct netio_reading {
    __u64 ns;
    __u64 cycles;
    __u64 instructions;
};

/* A stage that a thread is in. */
struct netio_frame {
    __u64 stage;
    struct netio_reading begin;
    struct netio_reading inner; /* spent in stages inside of it */
};

struct netio_timed_thread {
    __u32 id;
    __u32 role;
    __u64 depth;
    struct netio_frame frames[NETIO_DEPTH];
};

/* One passage, for a timeline. */
struct netio_passage {
    __u64 begin_ns; /* CLOCK_MONOTONIC */
    __u64 duration_ns;
    __u32 thread;
    __u16 stage;
    __u16 role;
};

/* Of all passages through a stage; without what was spent in stages inside of it. */
struct netio_stage_sum {
    __u64 calls;
    struct netio_reading own;
};

#endif
