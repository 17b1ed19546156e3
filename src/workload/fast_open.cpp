// SPDX-License-Identifier: MIT
#include "workload/fast_open.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace netio::workload {

namespace {

constexpr int tick_ms = 100;
constexpr int waiting_connections = 16;

sockaddr* generic(Remote& remote) {
    return reinterpret_cast<sockaddr*>(&remote.address);
}

void set_port(Remote& remote, std::uint16_t port) {
    auto* const ipv4 = reinterpret_cast<sockaddr_in*>(&remote.address);
    auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(&remote.address);
    (remote.address.ss_family == AF_INET6 ? ipv6->sin6_port : ipv4->sin_port) = htons(port);
}

std::uint16_t port_of(const Remote& remote) {
    const auto* const ipv4 = reinterpret_cast<const sockaddr_in*>(&remote.address);
    const auto* const ipv6 = reinterpret_cast<const sockaddr_in6*>(&remote.address);
    return ntohs(remote.address.ss_family == AF_INET6 ? ipv6->sin6_port : ipv4->sin_port);
}

// One end of a socket, by getsockname(2) or getpeername(2).
Result<Remote> end_of(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
    Remote end;
    end.size = sizeof end.address;
    if (name(fd, generic(end), &end.size) != 0) {
        return fail_errno("cannot tell the address of a connection", errno);
    }
    return end;
}

bool same_host(Remote a, Remote b) {
    set_port(a, 0);
    set_port(b, 0);
    return a.size == b.size && std::memcmp(&a.address, &b.address, a.size) == 0;
}

bool comes_from(const Fd& connection, int fd) {
    const auto peer = end_of(connection.get(), ::getpeername);
    const auto wanted = end_of(fd, ::getpeername);
    return peer && wanted && same_host(*peer, *wanted);
}

}  // namespace

Result<Remote> peer_at(int fd, std::uint16_t port) {
    auto peer = end_of(fd, ::getpeername);
    if (peer) {
        set_port(*peer, port);
    }
    return peer;
}

Result<Listener> listen_beside(int fd) {
    auto here = end_of(fd, ::getsockname);
    if (!here) {
        return Unexpected{here.error()};
    }
    set_port(*here, 0);
    Listener listener{Fd(::socket(here->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP))};
    const int socket = listener.fd.get();
    if (::bind(socket, generic(*here), here->size) != 0 || ::listen(socket, waiting_connections) != 0) {
        return fail_errno("cannot listen for the connection that the server opens", errno);
    }
    // Where it is refused, connections come without data.
    ::setsockopt(socket, IPPROTO_TCP, TCP_FASTOPEN, &waiting_connections, sizeof waiting_connections);
    const auto bound = end_of(socket, ::getsockname);
    if (!bound) {
        return Unexpected{bound.error()};
    }
    listener.port = port_of(*bound);
    return listener;
}

Result<Fd> accept_peer(int listener, int fd, const std::atomic<bool>& cancelled) {
    while (!cancelled) {
        pollfd events[] = {{listener, POLLIN, 0}, {fd, POLLIN, 0}};
        if (::poll(static_cast<pollfd*>(events), std::size(events), tick_ms) <= 0) {
            continue;
        }
        Fd connection(events[0].revents != 0 ? ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1);
        if (connection.valid() && comes_from(connection, fd)) {
            return connection;
        }
        if (!connection.valid() && events[1].revents != 0) {
            return fail("the server closed its connection before it opened another one", {},
                        "see how the server ended");
        }
    }
    return fail("the server opened no connection", "the wait for it was given up");
}

Result<Fd> prepare_fast_open(const Remote& remote, bool deferred) {
    Fd socket(::socket(remote.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!socket.valid()) {
        return fail_errno("cannot make a TCP socket", errno);
    }
    if (!deferred) {
        return socket;
    }
    const int on = 1;
    if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) != 0 ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&remote.address), remote.size) != 0) {
        return fast_open_error(errno);
    }
    return socket;
}

Unexpected fast_open_error(int error) {
    return error == EOPNOTSUPP
               ? fail_errno("cannot open a connection with data in its first packet", error,
                            "sysctl -w net.ipv4.tcp_fastopen=3 on both machines", ExitCode::privilege)
               : fail_errno("cannot open a connection to the client", error, "see whether a firewall is in between");
}

}  // namespace netio::workload
