// SPDX-License-Identifier: MIT
#include "netns/netlink.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <netinet/in.h>
#include <netlink/errno.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

namespace netio::netns {

std::string netlink_text(int code) {
    constexpr std::array<std::pair<int, int>, 11> known{{{NLE_PERM, EPERM},
                                                         {NLE_EXIST, EEXIST},
                                                         {NLE_NODEV, ENODEV},
                                                         {NLE_OPNOTSUPP, EOPNOTSUPP},
                                                         {NLE_NOMEM, ENOMEM},
                                                         {NLE_NOACCESS, EACCES},
                                                         {NLE_INVAL, EINVAL},
                                                         {NLE_BUSY, EBUSY},
                                                         {NLE_RANGE, ERANGE},
                                                         {NLE_NOADDR, EADDRNOTAVAIL},
                                                         {NLE_OBJ_NOTFOUND, ENOENT}}};
    for (const auto& [netlink, system] : known) {
        if (std::abs(code) == netlink) {
            return errno_text(system);
        }
    }
    return nl_geterror(code);
}

Unexpected netlink_error(std::string what, int code, const std::string& module) {
    switch (std::abs(code)) {
        case NLE_PERM:
            return fail(std::move(what), netlink_text(code), "configuring devices needs CAP_NET_ADMIN; try sudo",
                        ExitCode::privilege);
        case NLE_OPNOTSUPP:
            return fail(std::move(what), netlink_text(code),
                        module.empty() ? "a kernel that can do it" : "load the module: sudo modprobe " + module,
                        ExitCode::privilege);
        case NLE_OBJ_NOTFOUND:
            if (module.empty()) {
                return fail(std::move(what), netlink_text(code));
            }
            return fail(std::move(what), netlink_text(code), "load the module: sudo modprobe " + module,
                        ExitCode::privilege);
        case NLE_EXIST:
            return fail(std::move(what), netlink_text(code), "choose another name or address");
        default:
            return fail(std::move(what), netlink_text(code));
    }
}

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

bool comes_true(const std::function<bool()>& reached) {
    for (int waited_ms = 0; waited_ms < patience_ms; ++waited_ms) {
        if (reached()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return reached();
}

}  // namespace netio::netns
