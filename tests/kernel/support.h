// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "netns/link.h"
#include "netns/netns.h"

// What the tests on the running kernel share: private namespaces, sockets in them, and waiting for the kernel.

namespace netio::netns {

// A namespace is taken down by deferred work of the kernel, so its end has to be waited for; this is the upper bound.
inline constexpr auto patience = std::chrono::seconds(20);

inline bool becomes_true(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return condition();
}

// Whether the host has IPv6 at all; a new namespace has it if the host does.
inline bool has_ipv6() {
    return std::filesystem::exists("/proc/net/if_inet6");
}

inline ino_t own_namespace() {
    struct stat status {};
    return ::stat("/proc/thread-self/ns/net", &status) == 0 ? status.st_ino : 0;
}

inline std::vector<std::string> own_devices() {
    std::vector<std::string> names;
    struct if_nameindex* devices = ::if_nameindex();
    for (const struct if_nameindex* device = devices; device != nullptr && device->if_index != 0; ++device) {
        names.emplace_back(device->if_name);
    }
    ::if_freenameindex(devices);
    return names;
}

inline std::vector<std::string> devices(const Namespace& ns) {
    std::vector<std::string> names;
    REQUIRE(ns.run([&]() -> Result<void> {
        names = own_devices();
        return {};
    }));
    return names;
}

inline Fd opened_in(const Namespace& ns, int family, int type, int protocol = 0) {
    Fd socket;
    REQUIRE(ns.run([&]() -> Result<void> {
        socket.reset(::socket(family, type | SOCK_CLOEXEC, protocol));
        return {};
    }));
    REQUIRE(socket.valid());
    return socket;
}

struct SocketAddress {
    sockaddr_storage bytes{};
    socklen_t size = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

inline SocketAddress address_of(const std::string& host, std::uint16_t port) {
    SocketAddress address;
    if (host.find(':') == std::string::npos) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(address.bytes);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        REQUIRE(::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1);
        address.size = sizeof v4;
    } else {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(address.bytes);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        REQUIRE(::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1);
        address.size = sizeof v6;
    }
    return address;
}

// Sends text over a connection from one namespace to `host` in the other, opened this instant. Returns what arrived;
// `lost` is set when the connection came about late: a lost SYN, or a lost question for the neighbour's address, which
// no counter shows, costs a second; nothing else here takes more than some milliseconds.
inline std::string carried(const Namespace& from, const Namespace& to, const std::string& host, const std::string& text,
                           bool& lost) {
    SocketAddress address = address_of(host, 5001);
    const int family = address.bytes.ss_family;
    const Fd listener = opened_in(to, family, SOCK_STREAM);
    const Fd client = opened_in(from, family, SOCK_STREAM);
    REQUIRE(::bind(listener.get(), address.get(), address.size) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    const auto before = std::chrono::steady_clock::now();
    REQUIRE(::connect(client.get(), address.get(), address.size) == 0);
    lost = std::chrono::steady_clock::now() - before > std::chrono::milliseconds(900);
    const Fd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(server.valid());
    REQUIRE(::send(client.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    std::string received(text.size(), '\0');
    REQUIRE(::recv(server.get(), received.data(), received.size(), MSG_WAITALL) == static_cast<ssize_t>(text.size()));
    return received;
}

// Returns whether a packet was lost at the start.
inline bool check_carries(const Namespace& from, const Namespace& to, const std::string& host) {
    const std::string text(10007, 'n');
    bool lost = false;
    CHECK(carried(from, to, host, text, lost) == text);
    return lost;
}

struct Pair {
    Namespace a = Namespace::create().value();
    Namespace b = Namespace::create().value();
};

inline Result<void> join(const Pair& pair, unsigned mtu = 1500) {
    return make_veth({pair.a, "nta", "10.11.0.1/24"}, {pair.b, "ntb", "10.11.0.2/24"}, mtu);
}

}  // namespace netio::netns
