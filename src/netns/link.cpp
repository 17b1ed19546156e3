// SPDX-License-Identifier: MIT
#include "netns/link.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "base/files.h"
#include "netns/device.h"

namespace netio::netns {

namespace {

template <auto release>
struct Release {
    template <class T>
    void operator()(T* object) const {
        release(object);
    }
};
using Socket = std::unique_ptr<nl_sock, Release<nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, Release<rtnl_link_put>>;
using Address = std::unique_ptr<nl_addr, Release<nl_addr_put>>;
using DeviceAddress = std::unique_ptr<rtnl_addr, Release<rtnl_addr_put>>;

// libnl replaces the kernel's errno by a number of its own; a reader knows the former.
std::string netlink_text(int code) {
    constexpr std::array<std::pair<int, int>, 10> known{{{NLE_PERM, EPERM},
                                                         {NLE_EXIST, EEXIST},
                                                         {NLE_NODEV, ENODEV},
                                                         {NLE_OPNOTSUPP, EOPNOTSUPP},
                                                         {NLE_NOMEM, ENOMEM},
                                                         {NLE_NOACCESS, EACCES},
                                                         {NLE_INVAL, EINVAL},
                                                         {NLE_BUSY, EBUSY},
                                                         {NLE_RANGE, ERANGE},
                                                         {NLE_NOADDR, EADDRNOTAVAIL}}};
    for (const auto& [netlink, system] : known) {
        if (std::abs(code) == netlink) {
            return errno_text(system);
        }
    }
    return nl_geterror(code);
}

Unexpected netlink_error(std::string what, int code) {
    switch (std::abs(code)) {
        case NLE_PERM:
            return fail(std::move(what), netlink_text(code), "configuring devices needs CAP_NET_ADMIN; try sudo",
                        ExitCode::privilege);
        case NLE_OPNOTSUPP:
            return fail(std::move(what), netlink_text(code), "load the module: sudo modprobe veth",
                        ExitCode::privilege);
        case NLE_EXIST:
            return fail(std::move(what), netlink_text(code), "choose another name or address");
        default:
            return fail(std::move(what), netlink_text(code));
    }
}

// The socket speaks to the namespace that the calling thread is in.
Result<Socket> open_socket() {
    Socket socket(nl_socket_alloc());
    if (!socket) {
        return fail_errno("cannot open a netlink socket", ENOMEM);
    }
    if (const int code = nl_connect(socket.get(), NETLINK_ROUTE); code < 0) {
        return netlink_error("cannot open a netlink socket", code);
    }
    return socket;
}

// Strict where nl_addr_parse is not: that takes link addresses, "any", and any number as prefix length.
Result<Address> parse_address(const std::string& text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string host = text.substr(0, slash);
    const std::string length = text.substr(std::min(slash + 1, text.size()));
    in6_addr bytes{};
    const int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
    const int bits = family == AF_INET ? 32 : 128;
    int prefix = -1;
    const char* end = length.data() + length.size();
    const auto [rest, error] = std::from_chars(length.data(), end, prefix);
    const bool valid = error == std::errc{} && rest == end && prefix >= 0 && prefix <= bits &&
                       ::inet_pton(family, host.c_str(), &bytes) == 1;
    if (!valid) {
        return fail(fmt::format("'{}' is not an address with prefix length", text), "it does not parse",
                    "write it like 10.11.0.1/24 or fd00:11::1/64", ExitCode::usage);
    }
    Address address(nl_addr_build(family, &bytes, static_cast<std::size_t>(bits) / 8));
    if (!address) {
        return fail_errno("cannot describe an address", ENOMEM);
    }
    nl_addr_set_prefixlen(address.get(), prefix);
    return address;
}

Result<Link> find_link(nl_sock* socket, const std::string& device) {
    rtnl_link* found = nullptr;
    if (const int code = rtnl_link_get_kernel(socket, 0, device.c_str(), &found); code < 0) {
        return netlink_error(fmt::format("cannot find device {}", device), code);
    }
    return Link(found);
}

Result<void> set_up(nl_sock* socket, rtnl_link* link) {
    const Link change(rtnl_link_alloc());
    if (!change) {
        return fail_errno("cannot describe a device", ENOMEM);
    }
    rtnl_link_set_flags(change.get(), IFF_UP);
    if (const int code = rtnl_link_change(socket, link, change.get(), 0); code < 0) {
        return netlink_error(fmt::format("cannot set device {} up", rtnl_link_get_name(link)), code);
    }
    return {};
}

Result<void> add_address(nl_sock* socket, rtnl_link* link, const std::string& text) {
    auto parsed = parse_address(text);
    if (!parsed) {
        return Unexpected(parsed.error());
    }
    const DeviceAddress address(rtnl_addr_alloc());
    if (!address) {
        return fail_errno("cannot describe an address", ENOMEM);
    }
    rtnl_addr_set_ifindex(address.get(), rtnl_link_get_ifindex(link));
    rtnl_addr_set_local(address.get(), parsed->get());
    if (nl_addr_get_family(parsed->get()) == AF_INET6) {
        rtnl_addr_set_flags(address.get(), IFA_F_NODAD);
    }
    if (const int code = rtnl_addr_add(socket, address.get(), 0); code < 0) {
        return netlink_error(fmt::format("cannot give device {} the address {}", rtnl_link_get_name(link), text), code);
    }
    return {};
}

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
        return netlink_error(fmt::format("cannot create the veth pair {} - {}", a.device, b.device), code);
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

constexpr int patience_ms = 2000;

// Whether `reached` became true in time; the states waited for here take about a millisecond.
bool comes_true(const std::function<bool()>& reached) {
    for (int waited_ms = 0; waited_ms < patience_ms; ++waited_ms) {
        if (reached()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return reached();
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
