// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace netio::workload {

// TCP sockets over IPv4 and IPv6. Addresses are numeric or host names, without brackets.

struct Listener {
    Fd fd;
    std::uint16_t port = 0;  // the one the kernel chose when 0 was asked for
};

// "10.0.0.1:5001", "[::1]:5001".
std::string endpoint_text(const std::string& address, std::uint16_t port);

// Errors: the port is taken, the address is not local, the port needs privilege, the name is unknown, the kernel has no
// Multipath TCP.
Result<Listener> listen_on(const std::string& address, std::uint16_t port, bool mptcp = false);
// Waits for a connection or until `cancelled`.
Result<Fd> accept_from(int listener, const std::atomic<bool>& cancelled);
// A refused connection is tried again until `patience` has passed: the server may not have started yet.
Result<Fd> connect_to(const std::string& address, std::uint16_t port, std::chrono::nanoseconds patience,
                      const std::atomic<bool>& cancelled, bool mptcp = false);

// SO_RCVTIMEO and SO_SNDTIMEO: blocking calls return EAGAIN now and then, so that a thread can see that it is cancelled
// and how long nothing has moved. SO_KEEPALIVE: a machine that vanished is noticed within half a minute.
void bound_waits(int fd);

// Exactly bytes.size() bytes, within `patience`.
Result<void> read_exactly(int fd, std::span<std::byte> bytes, std::chrono::nanoseconds patience,
                          const std::atomic<bool>& cancelled);
Result<void> write_exactly(int fd, std::span<const std::byte> bytes);

}  // namespace netio::workload
