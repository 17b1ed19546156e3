// SPDX-License-Identifier: MIT
#include "workload/wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/text.h"
#include "workload/message.h"

namespace netio::workload {
namespace {

constexpr int tick_ms = 100;

}  // namespace

Attempt Wire::account(ssize_t taken, std::size_t asked) {
    if (taken < 0) {
        return {0, errno};
    }
    const auto bytes = static_cast<std::size_t>(taken);
    counts_.bytes += bytes;
    ++counts_.calls;
    counts_.partial_calls += bytes < asked ? 1 : 0;
    return {bytes, 0};
}

// A peer that is gone must be an error, not a SIGPIPE: MSG_NOSIGNAL.
Attempt Wire::attempt(std::span<iovec> vector, int flags) {
    msghdr message{};
    message.msg_iov = vector.data();
    message.msg_iovlen = vector.size();
    if (unopened_) {
        message.msg_name = &unopened_->address;
        message.msg_namelen = unopened_->size;
        flags |= MSG_FASTOPEN;
    }
    ssize_t taken = 0;
    do {
        taken = ::sendmsg(fd_, &message, flags | MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    if (taken < 0) {
        return {0, errno};
    }
    unopened_.reset();
    return account(taken, total_bytes(vector));
}

Result<void> Wire::send_buffer(std::span<const std::byte> bytes) {
    if (unopened_) {
        iovec whole{const_cast<std::byte*>(bytes.data()), bytes.size()};
        return send_vector({&whole, 1});
    }
    StallClock stall(stall_limit_ns);
    while (!bytes.empty()) {
        const ssize_t taken = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR) {
            continue;
        }
        const Attempt attempt = account(taken, bytes.size());
        if (attempt.error != 0) {
            if (auto recovered = recover(attempt.error, stall); !recovered) {
                return recovered;
            }
            continue;
        }
        bytes = bytes.subspan(attempt.bytes);
        if (!bytes.empty()) {
            stall.progress();
        }
    }
    return {};
}

Result<void> Wire::send_vector(std::span<iovec> vector) {
    StallClock stall(stall_limit_ns);
    while (!vector.empty()) {
        const Attempt sent = attempt(vector, 0);
        if (sent.error != 0) {
            if (auto recovered = recover(sent.error, stall); !recovered) {
                return recovered;
            }
            continue;
        }
        vector = drop_front(vector, sent.bytes);
        if (!vector.empty()) {
            stall.progress();
        }
    }
    return {};
}

Result<void> Wire::recover(int error, StallClock& stall) {
    if (unopened_ && error != EAGAIN) {
        return fast_open_error(error);
    }
    if (error != EAGAIN) {
        return fail_errno("the connection broke while sending", error, "see how the other side ended");
    }
    if (cancelled()) {
        return fail("sending was given up", "the run was cancelled");
    }
    if (stall.expired()) {
        const auto limit = std::chrono::nanoseconds(static_cast<std::int64_t>(stall.limit_ns()));
        return fail("the peer took no byte for " + format_duration(limit), "its receive buffer stays full",
                    "see whether the receiving program is stopped");
    }
    pollfd room{fd_, POLLOUT, 0};
    ::poll(&room, 1, tick_ms);
    return {};
}

}  // namespace netio::workload
