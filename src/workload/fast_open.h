// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "workload/socket.h"

// Connections that are opened with data in their first packet (TCP Fast Open, RFC 7413). Here the sender connects: the
// receiver listens beside the connection that it has made.

namespace netio::workload {

struct Remote {
    sockaddr_storage address{};
    socklen_t size = 0;
};

// The host at the other end of a connected socket, at another port.
Result<Remote> peer_at(int fd, std::uint16_t port);

// Listens on the local address of a connected socket, on any free port, and takes data that come with the first packet
// where net.ipv4.tcp_fastopen lets it.
Result<Listener> listen_beside(int fd);

// Waits for the connection that the peer of `fd` opens; strangers are turned away. Fails when the peer ends `fd`, or
// when `cancelled`.
Result<Fd> accept_peer(int listener, int fd, const std::atomic<bool>& cancelled);

// A socket of the remote's family. With `deferred` it is connected only by its first send call
// (TCP_FASTOPEN_CONNECT); otherwise that call has to carry MSG_FASTOPEN and the address.
Result<Fd> prepare_fast_open(const Remote& remote, bool deferred);

// What the kernel says to data in the first packet, with what to do about it.
Unexpected fast_open_error(int error);

}  // namespace netio::workload
