// SPDX-License-Identifier: MIT
#include "netns/topology.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <netlink/errno.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/ipgre.h>
#include <netlink/route/link/ipip.h>
#include <netlink/route/link/ipvlan.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/vxlan.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "netns/device.h"
#include "netns/netlink.h"

namespace netio::netns {

namespace {

using Route = std::unique_ptr<rtnl_route, Release<rtnl_route_put>>;

constexpr std::uint16_t vxlan_port = 4789;

// Runs `task` inside the namespace with a netlink socket of its own.
Result<void> speak(const Namespace& ns, const std::function<Result<void>(nl_sock*)>& task) {
    return ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        return socket ? task(socket->get()) : Unexpected(socket.error());
    });
}

Result<void> create(nl_sock* socket, rtnl_link* link, const std::string& kind) {
    if (const int code = rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL); code < 0) {
        return netlink_error(fmt::format("cannot create the {} device {}", kind, rtnl_link_get_name(link)), code,
                             kind == "gre" ? "ip_gre" : kind);
    }
    return {};
}

Link describe_sharing(Sharing kind) {
    if (kind == Sharing::macvlan) {
        Link link(rtnl_link_macvlan_alloc());
        rtnl_link_macvlan_set_mode(link.get(), static_cast<std::uint16_t>(rtnl_link_macvlan_str2mode("bridge")));
        return link;
    }
    Link link(rtnl_link_ipvlan_alloc());
    rtnl_link_ipvlan_set_mode(link.get(), static_cast<std::uint16_t>(rtnl_link_ipvlan_str2mode("l2")));
    return link;
}

struct Ends {
    std::uint32_t lower;  // its interface index
    nl_addr* local;
    nl_addr* remote;
};

std::uint32_t bits_of(const nl_addr* address) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, nl_addr_get_binary_addr(address), sizeof bits);
    return bits;
}

Link describe_vxlan(const Ends& ends) {
    Link link(rtnl_link_vxlan_alloc());
    // A number of 24 bits that both ends know, and that no other tunnel between them has: their network's.
    rtnl_link_vxlan_set_id(link.get(), ntohl(bits_of(ends.local)) >> 8);
    rtnl_link_vxlan_set_port(link.get(), vxlan_port);
    rtnl_link_vxlan_set_link(link.get(), ends.lower);
    rtnl_link_vxlan_set_group(link.get(), ends.remote);
    return link;
}

Link describe_ipip(const Ends& ends) {
    Link link(rtnl_link_ipip_alloc());
    rtnl_link_ipip_set_link(link.get(), ends.lower);
    rtnl_link_ipip_set_local(link.get(), bits_of(ends.local));
    rtnl_link_ipip_set_remote(link.get(), bits_of(ends.remote));
    return link;
}

Link describe_gre(const Ends& ends) {
    Link link(rtnl_link_ipgre_alloc());
    rtnl_link_ipgre_set_link(link.get(), ends.lower);
    rtnl_link_ipgre_set_local(link.get(), bits_of(ends.local));
    rtnl_link_ipgre_set_remote(link.get(), bits_of(ends.remote));
    return link;
}

Result<void> enslave(nl_sock* socket, const std::string& bridge, const std::string& member) {
    auto port = find_link(socket, member);
    auto master = find_link(socket, bridge);
    if (!port || !master) {
        return Unexpected(port ? master.error() : port.error());
    }
    if (const int code = rtnl_link_enslave(socket, master->get(), port->get()); code < 0) {
        return netlink_error(fmt::format("cannot make {} a port of {}", member, bridge), code);
    }
    return {};
}

Result<void> bring_up(nl_sock* socket, const std::string& device) {
    auto link = find_link(socket, device);
    return link ? set_up(socket, link->get()) : Unexpected(link.error());
}

}  // namespace

Result<void> share_device(Sharing kind, const Namespace& home, const std::string& lower, const LinkEnd& end) {
    auto made = speak(home, [&](nl_sock* socket) -> Result<void> {
        auto below = find_link(socket, lower);
        if (!below) {
            return Unexpected(below.error());
        }
        const Link link = describe_sharing(kind);
        rtnl_link_set_name(link.get(), end.device.c_str());
        rtnl_link_set_link(link.get(), rtnl_link_get_ifindex(below->get()));
        rtnl_link_set_ns_fd(link.get(), end.ns.fd());
        return create(socket, link.get(), kind == Sharing::macvlan ? "macvlan" : "ipvlan");
    });
    return made.and_then([&] { return configure_device(end); });
}

Result<void> make_bridge(const Namespace& ns, const std::string& name, const std::vector<std::string>& members) {
    return speak(ns, [&](nl_sock* socket) -> Result<void> {
        const Link link(rtnl_link_bridge_alloc());
        rtnl_link_set_name(link.get(), name.c_str());
        if (auto made = create(socket, link.get(), "bridge"); !made) {
            return made;
        }
        for (const std::string& member : members) {
            if (auto joined = enslave(socket, name, member); !joined) {
                return joined;
            }
        }
        return bring_up(socket, name);
    });
}

Result<void> make_tunnel(Wrapping kind, const Tunnel& tunnel) {
    auto made = speak(tunnel.end.ns, [&](nl_sock* socket) -> Result<void> {
        auto below = find_link(socket, tunnel.lower);
        auto local = parse_address(tunnel.local + "/32");
        auto remote = parse_address(tunnel.remote + "/32");
        if (!below || !local || !remote) {
            return Unexpected(!below ? below.error() : !local ? local.error() : remote.error());
        }
        const Ends ends{static_cast<std::uint32_t>(rtnl_link_get_ifindex(below->get())), local->get(), remote->get()};
        const Link link = kind == Wrapping::vxlan  ? describe_vxlan(ends)
                          : kind == Wrapping::ipip ? describe_ipip(ends)
                                                   : describe_gre(ends);
        rtnl_link_set_name(link.get(), tunnel.end.device.c_str());
        return create(socket, link.get(), rtnl_link_get_type(link.get()));
    });
    return made.and_then([&] { return configure_device(tunnel.end); });
}

Result<void> make_device(const Namespace& ns, const std::string& name, const std::string& kind) {
    return speak(ns, [&](nl_sock* socket) -> Result<void> {
        const Link link(rtnl_link_alloc());
        rtnl_link_set_name(link.get(), name.c_str());
        rtnl_link_set_type(link.get(), kind.c_str());
        return create(socket, link.get(), kind);
    });
}

Result<void> set_mtu(const Namespace& ns, const std::string& device, unsigned bytes) {
    return speak(ns, [&](nl_sock* socket) -> Result<void> {
        auto link = find_link(socket, device);
        if (!link) {
            return Unexpected(link.error());
        }
        const Link change(rtnl_link_alloc());
        rtnl_link_set_mtu(change.get(), bytes);
        if (const int code = rtnl_link_change(socket, link->get(), change.get(), 0); code < 0) {
            return netlink_error(fmt::format("cannot set the packet size of {} to {}", device, bytes), code);
        }
        return {};
    });
}

Result<void> configure_device(const LinkEnd& end) {
    return speak(end.ns, [&](nl_sock* socket) -> Result<void> {
        auto link = find_link(socket, end.device);
        if (!link) {
            return Unexpected(link.error());
        }
        const auto addressed = end.address.empty() ? Result<void>{} : add_address(socket, link->get(), end.address);
        return addressed.and_then([&] { return set_up(socket, link->get()); });
    });
}

Result<void> await_device(const Namespace& ns, const std::string& device) {
    return speak(ns, [&](nl_sock* socket) -> Result<void> {
        const bool came = comes_true([&] {
            const auto link = find_link(socket, device);
            const int state = link ? int{rtnl_link_get_operstate(link->get())} : int{IF_OPER_DOWN};
            // A device without a cable of its own, a tunnel for one, never says more than "unknown".
            return state == IF_OPER_UP || state == IF_OPER_UNKNOWN;
        });
        return came ? Result<void>{}
                    : fail(fmt::format("device {} does not come up", device),
                           fmt::format("not operational after {} ms", patience_ms));
    });
}

Result<void> add_route(const Namespace& ns, const std::string& destination, const std::string& gateway) {
    return speak(ns, [&](nl_sock* socket) -> Result<void> {
        auto network = parse_address(destination);
        auto via = parse_address(gateway + "/32");
        if (!network || !via) {
            return Unexpected(network ? via.error() : network.error());
        }
        const Route route(rtnl_route_alloc());
        rtnl_nexthop* hop = rtnl_route_nh_alloc();
        rtnl_route_nh_set_gateway(hop, via->get());
        rtnl_route_set_dst(route.get(), network->get());
        rtnl_route_add_nexthop(route.get(), hop);
        if (const int code = rtnl_route_add(socket, route.get(), 0); code < 0) {
            return netlink_error(fmt::format("cannot add a route to {} through {}", destination, gateway), code);
        }
        return {};
    });
}

Result<void> write_setting(const Namespace& ns, const std::string& name, const std::string& value) {
    return ns.run([&]() -> Result<void> {
        const std::string path = "/proc/sys/net/" + name;
        // Opened by hand, for write_file() makes files anew. proc(5) shows the settings of the thread's own namespace.
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "we"), std::fclose);
        if (!file) {
            return fail_errno("cannot write " + path, errno, "a kernel that keeps this setting for each namespace",
                              ExitCode::privilege);
        }
        if (std::fputs(value.c_str(), file.get()) < 0 || std::fflush(file.get()) != 0) {
            return fail_errno("cannot write " + path, errno);
        }
        return {};
    });
}

}  // namespace netio::netns
