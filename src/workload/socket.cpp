// SPDX-License-Identifier: MIT
#include "workload/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "workload/clock.h"
#include "workload/options.h"

namespace netio::workload {
namespace {

constexpr int tick_ms = 100;
constexpr int retry_ms = 20;
constexpr std::uint64_t handshake_limit_ns = 15 * ns_per_second;

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// The first address is used: a host name stands for the address that the system prefers.
Result<Addresses> resolve(const std::string& address, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (error != 0) {
        return fail("'" + address + "' is no address of a machine", ::gai_strerror(error),
                    "an IPv4 or IPv6 address, such as 127.0.0.1 or ::1", ExitCode::usage);
    }
    return Addresses(list);
}

void set_option(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

// Linux 5.6; older C libraries do not name it.
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

Fd open_socket(int family, int type, bool mptcp) {
    return Fd(::socket(family, type | SOCK_CLOEXEC, mptcp ? IPPROTO_MPTCP : IPPROTO_TCP));
}

Unexpected socket_error(int error, const std::string& address, bool mptcp) {
    if (mptcp) {
        return fail_errno("cannot make a Multipath TCP socket for " + address, error,
                          "a kernel with CONFIG_MPTCP, and net.mptcp.enabled=1", ExitCode::privilege);
    }
    return fail_errno("cannot make a TCP socket for " + address, error);
}

Unexpected listen_error(int error, const std::string& address, std::uint16_t port) {
    const std::string where = endpoint_text(address, port);
    switch (error) {
        case EADDRINUSE:
            return fail_errno("port " + std::to_string(port) + " is taken on " + address, error,
                              "--port 0, which picks a free one", ExitCode::usage);
        case EADDRNOTAVAIL:
            return fail_errno("cannot listen on " + where + ", which is no address of this machine", error,
                              "--bind 0.0.0.0 or --bind ::, which stand for all of its addresses", ExitCode::usage);
        case EACCES:
            return fail_errno("cannot listen on " + where, error, "a --port of 1024 or more", ExitCode::privilege);
        default:
            return fail_errno("cannot listen on " + where, error);
    }
}

Result<std::uint16_t> local_port(int fd) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    char service[NI_MAXSERV];
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0 ||
        ::getnameinfo(reinterpret_cast<sockaddr*>(&name), length, nullptr, 0, service, sizeof service,
                      NI_NUMERICSERV) != 0) {
        return fail_errno("cannot tell the port of a listening socket", errno);
    }
    return static_cast<std::uint16_t>(std::stoul(service));
}

// One connect(2) without blocking for longer than `handshake_limit_ns`. Returns its errno, or 0.
int connect_once(int fd, const addrinfo& address, const std::atomic<bool>& cancelled) {
    if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    StallClock patience(handshake_limit_ns);
    pollfd done{fd, POLLOUT, 0};
    while (::poll(&done, 1, tick_ms) <= 0) {
        if (patience.expired() || cancelled) {
            return ETIMEDOUT;
        }
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

void make_blocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

}  // namespace

std::string endpoint_text(const std::string& address, std::uint16_t port) {
    const bool ipv6 = address.find(':') != std::string::npos;
    return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<Listener> listen_on(const std::string& address, std::uint16_t port, bool mptcp) {
    auto addresses = resolve(address, port, AI_PASSIVE);
    if (!addresses) {
        return Unexpected{addresses.error()};
    }
    const addrinfo& chosen = **addresses;
    Listener listener{open_socket(chosen.ai_family, SOCK_STREAM | SOCK_NONBLOCK, mptcp)};
    if (!listener.fd.valid()) {
        return socket_error(errno, address, mptcp);
    }
    // The server closes first as a rule, and its port would stay taken for a minute (TIME_WAIT).
    set_option(listener.fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (::bind(listener.fd.get(), chosen.ai_addr, chosen.ai_addrlen) != 0 ||
        ::listen(listener.fd.get(), static_cast<int>(max_connections)) != 0) {
        return listen_error(errno, address, port);
    }
    auto bound = local_port(listener.fd.get());
    if (!bound) {
        return Unexpected{bound.error()};
    }
    listener.port = *bound;
    return listener;
}

Result<Fd> accept_from(int listener, const std::atomic<bool>& cancelled) {
    while (!cancelled) {
        pollfd ready{listener, POLLIN, 0};
        if (::poll(&ready, 1, tick_ms) <= 0) {
            continue;
        }
        Fd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        if (connection.valid()) {
            return connection;
        }
        // A connection that ended before it was accepted is no error of ours; being out of descriptors is.
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            return fail_errno("cannot accept a connection", errno, "fewer --threads, or a larger ulimit -n");
        }
    }
    return fail("no client connected", "the wait for it was given up");
}

Result<Fd> connect_to(const std::string& address, std::uint16_t port, std::chrono::nanoseconds patience,
                      const std::atomic<bool>& cancelled, bool mptcp) {
    auto addresses = resolve(address, port, 0);
    if (!addresses) {
        return Unexpected{addresses.error()};
    }
    StallClock clock(static_cast<std::uint64_t>(patience.count()));
    while (true) {
        Fd fd = open_socket((*addresses)->ai_family, SOCK_STREAM | SOCK_NONBLOCK, mptcp);
        const int error = fd.valid() ? connect_once(fd.get(), **addresses, cancelled) : errno;
        if (error == 0) {
            make_blocking(fd.get());
            return fd;
        }
        if (error != ECONNREFUSED || clock.expired() || cancelled) {
            return fail_errno("cannot connect to " + endpoint_text(address, port), error,
                              "netio-server with --bind and the same --port on that machine");
        }
        ::poll(nullptr, 0, retry_ms);
    }
}

void bound_waits(int fd) {
    const timeval receive_tick{0, 500'000};
    // The kernel adds up all waits of one send call, and a large message waits often: a short limit would split it.
    const timeval send_tick{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive_tick, sizeof receive_tick);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_tick, sizeof send_tick);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Result<void> read_exactly(int fd, std::span<std::byte> bytes, std::chrono::nanoseconds patience,
                          const std::atomic<bool>& cancelled) {
    StallClock clock(static_cast<std::uint64_t>(patience.count()));
    while (!bytes.empty()) {
        pollfd ready{fd, POLLIN, 0};
        ::poll(&ready, 1, tick_ms);
        const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got == 0) {
            return fail("the peer closed the connection before its hello was complete");
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return fail_errno("the connection broke before the peer's hello was complete", errno);
        }
        if (got > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(got));
        } else if (clock.expired() || cancelled) {
            return fail("the peer sent no hello for " + format_duration(patience));
        }
    }
    return {};
}

Result<void> write_exactly(int fd, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t taken = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR) {
            continue;
        }
        if (taken < 0) {
            return fail_errno("the connection broke while the hello was sent", errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(taken));
    }
    return {};
}

}  // namespace netio::workload
