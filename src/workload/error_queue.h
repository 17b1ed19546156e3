// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace netio::workload {

// One notification of the error queue: calls low..high inclusive are complete.
struct Notification {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    bool copied = false;  // SO_EE_CODE_ZEROCOPY_COPIED
    bool operator==(const Notification&) const = default;
};

// The zero-copy notification in a message read with MSG_ERRQUEUE, or nothing if it holds none (another origin).
std::optional<Notification> decode_notification(const msghdr& message);

// Reads one message of the error queue without waiting. Nothing when the queue is empty. A message of another origin
// is skipped. Errors are those of recvmsg(2).
Result<std::optional<Notification>> read_notification(int fd);

}  // namespace netio::workload
