// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/vocabulary.h"

// What a workload is asked to do, and what it says it did.

namespace netio::model {

// A log-linear histogram in a form that can be stored and merged: each bucket holds `count` samples whose value v
// satisfies lower <= v < upper.
struct HistogramBucket {
    std::uint64_t lower = 0;
    std::uint64_t upper = 0;
    std::uint64_t count = 0;
    bool operator==(const HistogramBucket&) const = default;
};

struct HistogramData {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;  // of the samples themselves, not of bucket bounds
    std::uint64_t min = 0;
    std::uint64_t max = 0;
    std::vector<HistogramBucket> buckets;  // ascending, empty ones left out
    bool operator==(const HistogramData&) const = default;
};

// What the error queue told the program about its zero-copy sends (Documentation/networking/msg_zerocopy.rst).
struct ErrorQueueClaim {
    std::uint64_t notifications = 0;   // messages read with MSG_ERRQUEUE
    std::uint64_t calls_zerocopy = 0;  // send calls in ranges without SO_EE_CODE_ZEROCOPY_COPIED
    std::uint64_t calls_copied = 0;    // send calls in ranges with it
    bool operator==(const ErrorQueueClaim&) const = default;
};

struct ConnectionResult {
    std::uint32_t index = 0;
    std::int32_t thread_id = 0;  // as gettid(2) says, in the workload's pid namespace
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;                 // returned by send or recv calls, measured phase only
    std::uint64_t calls = 0;                 // send or recv calls that moved bytes
    std::uint64_t partial_calls = 0;         // send calls that took less than asked
    std::uint64_t enobufs = 0;               // send calls refused with ENOBUFS
    std::uint64_t program_copied_bytes = 0;  // serialised from one user buffer into another by the program
    ErrorQueueClaim error_queue;
    std::uint64_t unread_completions = 0;  // zero-copy calls whose notification never came
    std::uint64_t verified_bytes = 0;      // compared with the pattern (client, --verify)
    std::uint64_t corrupt_bytes = 0;
    std::int64_t cpu_user_ns = 0;  // getrusage(RUSAGE_THREAD), measured phase only
    std::int64_t cpu_system_ns = 0;
    std::int64_t voluntary_switches = 0;
    std::int64_t involuntary_switches = 0;
    HistogramData send_call_ns;   // server: time inside the send call
    HistogramData delivery_ns;    // client: first byte handed to the send call -> last byte of the message received
    HistogramData completion_ns;  // server, zerocopy: send call entered -> completion read
    bool operator==(const ConnectionResult&) const = default;
};

struct WorkloadResult {
    Role role = Role::server;
    std::int32_t pid = 0;
    std::int64_t wall_ns = 0;  // measured phase, first send to last completion (server) or to last byte (client)
    std::vector<ConnectionResult> connections;
    std::string zerocopy_opt_in;   // "not requested", "set", or why SO_ZEROCOPY was refused
    std::string delivery_missing;  // why there is no delivery latency; empty when there is
    std::string failure;           // empty when the phase ended as asked
    bool operator==(const WorkloadResult&) const = default;
};

}  // namespace netio::model
