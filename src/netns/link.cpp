// SPDX-License-Identifier: MIT
#include "netns/link.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <netlink/route/link/veth.h>

#include <cerrno>
#include <cstdint>

#include "base/files.h"
#include "netns/device.h"
#include "netns/netlink.h"

namespace netio::netns {

namespace {

Result<void> create_pair(const LinkEnd& a, const LinkEnd& b, unsigned mtu) {
    auto socket = open_socket();
    if (!socket) {
        return Unexpected(socket.error());
    }
    const Link link(rtnl_link_veth_alloc());
    const Link peer(link ? rtnl_link_veth_get_peer(link.get()) : nullptr);
    if (!peer) {
        return fail_errno("cannot describe a veth pair", ENOMEM);
    }
    rtnl_link_set_name(link.get(), a.device.c_str());
    rtnl_link_set_mtu(link.get(), mtu);
    rtnl_link_set_name(peer.get(), b.device.c_str());
    rtnl_link_set_mtu(peer.get(), mtu);
    rtnl_link_set_ns_fd(peer.get(), b.ns.fd());
    if (const int code = rtnl_link_add(socket->get(), link.get(), NLM_F_CREATE | NLM_F_EXCL); code < 0) {
        return netlink_error(fmt::format("cannot create the veth pair {} - {}", a.device, b.device), code, "veth");
    }
    return {};
}

Result<void> configure(const LinkEnd& end) {
    return end.ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        if (!socket) {
            return Unexpected(socket.error());
        }
        auto link = find_link(socket->get(), end.device);
        if (!link) {
            return Unexpected(link.error());
        }
        return add_address(socket->get(), link->get(), end.address).and_then([&] {
            return set_up(socket->get(), link->get());
        });
    });
}

void remove_pair(const LinkEnd& a) {
    // The first error is the one to report; what cannot be removed goes with the namespace.
    (void)a.ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        auto link = socket ? find_link(socket->get(), a.device) : Result<Link>(Unexpected(socket.error()));
        if (link) {
            (void)rtnl_link_delete(socket->get(), link->get());
        }
        return {};
    });
}

// The end that was set up first gets its carrier from the second, and drops what it sends until the kernel's link watch
// has run, which is deferred work: a connection opened at once would lose its first packet and a second with it.
// Since 6.8 asking for the device makes the kernel run it now (rtnl_getlink: linkwatch_sync_dev).
bool is_operational(nl_sock* socket, const std::string& device) {
    const auto link = find_link(socket, device);
    return link && rtnl_link_get_operstate(link->get()) == IF_OPER_UP;
}

// The kernel puts an IPv6 address to use in deferred work (addrconf_dad_work), also without duplicate address
// detection: until then a neighbour's question goes unanswered, and it asks again only a second later. The last step of
// that work is the route to the address itself, which proc/net/ipv6_route shows.
bool takes_up(const std::string& address) {
    in6_addr bytes{};
    if (::inet_pton(AF_INET6, address.substr(0, address.find('/')).c_str(), &bytes) != 1) {
        return true;
    }
    std::string route = "\n";
    for (const std::uint8_t byte : bytes.s6_addr) {
        route += fmt::format("{:02x}", byte);
    }
    route += " 80 ";
    return ("\n" + read_file("/proc/thread-self/net/ipv6_route").value_or("")).find(route) != std::string::npos;
}

Result<void> settle(const LinkEnd& end) {
    return end.ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        if (!socket) {
            return Unexpected(socket.error());
        }
        if (!comes_true([&] { return is_operational(socket->get(), end.device); })) {
            return fail(fmt::format("device {} does not come up", end.device),
                        fmt::format("not operational after {} ms", patience_ms));
        }
        if (!comes_true([&] { return takes_up(end.address); })) {
            return fail(fmt::format("device {} does not take up its address {}", end.device, end.address),
                        fmt::format("no local route after {} ms", patience_ms), "use IPv4 addresses");
        }
        return {};
    });
}

Result<void> check_end(const LinkEnd& end) {
    if (auto name = check_device_name(end.device); !name) {
        return name;
    }
    return check_address(end.address);
}

}  // namespace

Result<void> check_address(const std::string& text) {
    auto address = parse_address(text);
    return address ? Result<void>{} : Unexpected(address.error());
}

Result<void> loopback_up(const Namespace& ns) {
    return ns.run([]() -> Result<void> {
        auto socket = open_socket();
        if (!socket) {
            return Unexpected(socket.error());
        }
        auto link = find_link(socket->get(), "lo");
        if (!link) {
            return Unexpected(link.error());
        }
        return set_up(socket->get(), link->get());
    });
}

Result<void> make_veth(const LinkEnd& a, const LinkEnd& b, unsigned mtu) {
    if (auto checked = check_end(a).and_then([&] { return check_end(b); }); !checked) {
        return checked;
    }
    if (auto created = a.ns.run([&] { return create_pair(a, b, mtu); }); !created) {
        return created;
    }
    auto ready = configure(a).and_then([&] { return configure(b); }).and_then([&] { return settle(a); }).and_then([&] {
        return settle(b);
    });
    if (!ready) {
        remove_pair(a);
    }
    return ready;
}

}  // namespace netio::netns
