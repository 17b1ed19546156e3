/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All programs of one load: thin stubs per tier over the bodies they share. Which of them are loaded is decided by
 * trying (src/probes/catalogue.cpp names them). */
#include "tier_fentry.h"
#include "tier_kprobe.h"
#include "tier_tracepoint.h"
#include "unpreempted.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
