// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "model/workload.h"
#include "stats/histogram.h"
#include "workload/clock.h"
#include "workload/fast_open.h"

namespace netio::workload {

// A connection on which nothing moves for this long has failed.
inline constexpr std::uint64_t stall_limit_ns = 10 * ns_per_second;
// Completions that are missing when nothing has come for this long are given up.
inline constexpr std::uint64_t completion_limit_ns = 5 * ns_per_second;

// What a sender counts in one phase.
struct SendCounts {
    std::uint64_t bytes = 0;          // that send calls returned
    std::uint64_t calls = 0;          // send calls that returned more than 0
    std::uint64_t partial_calls = 0;  // of those, the ones that took less than asked
    std::uint64_t enobufs = 0;        // send calls refused with ENOBUFS
    std::uint64_t program_copied_bytes = 0;
    model::ErrorQueueClaim error_queue;
    std::uint64_t unread_completions = 0;
    std::uint64_t last_completion_ns = 0;  // when a completion was last read; CLOCK_MONOTONIC
    stats::Histogram completion_ns;
};

// One send call: what it took, or the errno it was refused with.
struct Attempt {
    std::size_t bytes = 0;
    int error = 0;
};

// The sending side of one TCP socket. Calls carry on after EINTR; what was sent is counted.
class Wire {
 public:
    // `cancelled` ends every wait with an error; it, `counts` and the socket must outlive the Wire.
    Wire(int fd, SendCounts& counts, const std::atomic<bool>& cancelled)
        : fd_(fd), counts_(counts), cancelled_(cancelled) {}

    // The socket is not connected: the first call opens the connection (MSG_FASTOPEN).
    void open_with_first_call(const Remote& remote) { unopened_ = remote; }
    // One sendmsg(2) of at least one byte.
    Attempt attempt(std::span<iovec> vector, int flags);
    // send(2) until everything is taken. Fails when the peer is gone or takes nothing for stall_limit_ns.
    Result<void> send_buffer(std::span<const std::byte> bytes);
    // The same with sendmsg(2); uses the vector up.
    Result<void> send_vector(std::span<iovec> vector);
    // After an attempt that failed with `error`: waits a tick for room after EAGAIN (which a blocking socket returns
    // after SO_SNDTIMEO), else it is a failure. `stall` runs since the last byte that was taken.
    Result<void> recover(int error, StallClock& stall);

    int fd() const { return fd_; }
    SendCounts& counts() { return counts_; }
    bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
    Attempt account(ssize_t taken, std::size_t asked);

    int fd_;
    SendCounts& counts_;
    const std::atomic<bool>& cancelled_;
    std::optional<Remote> unopened_;
};

}  // namespace netio::workload
