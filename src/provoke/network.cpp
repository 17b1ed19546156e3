// SPDX-License-Identifier: MIT
#include "provoke/network.h"

#include <unistd.h>

#include "netns/encryption.h"
#include "netns/link.h"
#include "netns/topology.h"
#include "provoke/tap_cable.h"

namespace netio::provoke {

using netns::LinkEnd;
using netns::Namespace;

namespace {

constexpr const char* server_device = "server0";
constexpr const char* client_device = "client0";
constexpr const char* server_host = "10.99.0.1";
constexpr const char* server_address = "10.99.0.1/24";
constexpr const char* client_host = "10.99.0.2";
constexpr const char* client_address = "10.99.0.2/24";

// Two ends that nothing joins yet, and `between` namespaces more.
Result<Network> make_ends(std::size_t between) {
    std::vector<Namespace> made;
    while (made.size() < between + 2) {
        auto ns = Namespace::create();
        if (!ns) {
            return tl::make_unexpected(ns.error());
        }
        made.push_back(std::move(*ns));
    }
    Network network{std::move(made[0]), std::move(made[1]), server_host, server_device, client_device, {}, {}};
    for (std::size_t i = 2; i < made.size(); ++i) {
        network.between.push_back(std::move(made[i]));
    }
    return network;
}

// The network that `join` has joined.
template <class Join>
Result<Network> joined(std::size_t between, Join join) {
    auto network = make_ends(between);
    if (!network) {
        return network;
    }
    const Result<void> done = join(*network);
    return done ? std::move(network) : Result<Network>(tl::make_unexpected(done.error()));
}

Result<Network> make_loopback() {
    auto ns = Namespace::create();
    if (!ns) {
        return tl::make_unexpected(ns.error());
    }
    if (auto up = netns::loopback_up(*ns); !up) {
        return tl::make_unexpected(up.error());
    }
    return Network{std::move(*ns), std::nullopt, "127.0.0.1", "lo", "lo", {}, {}};
}

Result<void> join_ends(const Network& network) {
    return netns::make_veth({network.server, server_device, server_address},
                            {*network.client, client_device, client_address});
}

// Both ends share one end of a veth pair, which lives in a namespace between them.
Result<Network> share_cable(netns::Sharing kind) {
    return joined(1, [kind](const Network& network) {
        const Namespace& home = network.between[0];
        const auto share = [&](const Namespace& ns, const char* device, const char* address) {
            return netns::share_device(kind, home, "cable0", {ns, device, address});
        };
        return netns::make_veth({home, "cable0", "10.97.0.1/24"}, {home, "cable1", "10.97.0.2/24"})
            .and_then([&] { return share(network.server, server_device, server_address); })
            .and_then([&] { return share(*network.client, client_device, client_address); })
            .and_then([&] { return netns::await_device(network.server, server_device); })
            .and_then([&] { return netns::await_device(*network.client, client_device); });
    });
}

// The two ends of a tunnel between the ends of a network that is joined already.
struct TunnelEnds {
    netns::Tunnel server;
    netns::Tunnel client;
};

// Two devices `name` above those that the packets leave through now, in a network of their own: its addresses begin
// with `subnet`, those below with `below`. The run then goes through the tunnel.
TunnelEnds enter_tunnel(Network& network, const std::string& name, const std::string& subnet,
                        const std::string& below) {
    const auto end = [&](const Namespace& ns, const char* host) { return LinkEnd{ns, name, subnet + host + "/24"}; };
    const std::string server_below = below + ".1";
    const std::string client_below = below + ".2";
    TunnelEnds ends{{end(network.server, ".1"), network.server_device, server_below, client_below},
                    {end(*network.client, ".2"), network.client_device, client_below, server_below}};
    network.server_address = subnet + ".1";
    network.server_device = network.client_device = name;
    return ends;
}

TunnelEnds enter_tunnel(Network& network) {
    return enter_tunnel(network, "tunnel0", "10.98.0", "10.99.0");
}

TunnelEnds enter_inner_tunnel(Network& network) {
    return enter_tunnel(network, "tunnel1", "10.97.0", "10.98.0");
}

Result<void> wrap(netns::Wrapping kind, const TunnelEnds& ends) {
    return netns::make_tunnel(kind, ends.server).and_then([&] { return netns::make_tunnel(kind, ends.client); });
}

Result<Network> through_veth(netns::Wrapping kind) {
    return joined(0, [kind](Network& network) {
        return join_ends(network).and_then([&] { return wrap(kind, enter_tunnel(network)); });
    });
}

// A GRE device computes no checksums inside of the packets that it wraps, and one of VXLAN does so since Linux 7 only.
Result<void> wrap_without_offload(Network& network) {
    const TunnelEnds ends = enter_tunnel(network);
    return wrap(netns::Wrapping::gre, ends).or_else([&](const Error&) { return wrap(netns::Wrapping::vxlan, ends); });
}

Result<Network> through_tunnel(netns::Wrapping kind) {
    return joined(0, [kind](Network& network) {
        return join_ends(network).and_then([&] { return wrap_without_offload(network); }).and_then([&] {
            return wrap(kind, enter_inner_tunnel(network));
        });
    });
}

Result<void> join_taps(Network& network) {
    auto cable =
        join_by_taps({network.server, server_device, server_address}, {*network.client, client_device, client_address});
    if (!cable) {
        return Unexpected(cable.error());
    }
    network.helpers.push_back(std::move(*cable));
    return {};
}

Result<void> join_router(const Network& network) {
    const Namespace& router = network.between[0];
    return netns::make_veth({network.server, server_device, server_address}, {router, "router0", "10.99.0.254/24"})
        .and_then([&] {
            return netns::make_veth({*network.client, client_device, "10.98.0.2/24"},
                                    {router, "router1", "10.98.0.254/24"});
        })
        .and_then([&] { return netns::write_setting(router, "ipv4/ip_forward", "1"); })
        .and_then([&] { return netns::add_route(network.server, "10.98.0.0/24", "10.99.0.254"); })
        .and_then([&] { return netns::add_route(*network.client, "10.99.0.0/24", "10.98.0.254"); });
}

Result<void> join_bridge(const Network& network) {
    const Namespace& middle = network.between[0];
    return netns::make_veth({network.server, server_device, server_address}, {middle, "port0", "10.97.0.1/24"})
        .and_then([&] {
            return netns::make_veth({*network.client, client_device, client_address},
                                    {middle, "port1", "10.97.1.1/24"});
        })
        .and_then([&] {
            return netns::make_bridge(middle, "bridge0", {"port0", "port1"});
        })
        .and_then([&] { return netns::await_device(middle, "bridge0"); });
}

}  // namespace

Result<Network> make_network(model::Path path) {
    return path == model::Path::lo ? make_loopback() : joined(0, join_ends);
}

Result<Network> own_network(const std::string& address) {
    auto ns = Namespace::of_process(::getpid());
    if (!ns) {
        return Unexpected(ns.error());
    }
    return Network{std::move(*ns), std::nullopt, address, {}, {}, {}, {}};
}

Result<Network> join_by_loopback() {
    return make_loopback();
}

Result<Network> join_by_wide_cable() {
    return joined(0, [](const Network& network) {
        return netns::make_veth({network.server, server_device, server_address},
                                {*network.client, client_device, client_address}, 9000);
    });
}

// A packet of TCP takes one part of memory for each field of a message, 17 of them, and none has to be cut up; the
// receiver asks for packets that may yet grow.
Result<Network> join_by_widest_cable() {
    return joined(0, [](const Network& network) {
        return netns::make_veth({network.server, server_device, server_address},
                                {*network.client, client_device, client_address}, 65500)
            .and_then([&] { return netns::set_mtu(*network.client, client_device, 60000); });
    });
}

Result<Network> join_by_macvlan() {
    return share_cable(netns::Sharing::macvlan);
}

Result<Network> join_by_ipvlan() {
    return share_cable(netns::Sharing::ipvlan);
}

Result<Network> join_by_bridge() {
    return joined(1, join_bridge);
}

Result<Network> join_by_router() {
    return joined(1, join_router);
}

// The client's own device keeps the usual size, so that the server is not told of the narrow one when they connect; and
// with discovery off its packets do not forbid to be cut (RFC 791, DF).
Result<Network> join_by_narrow_router() {
    return joined(1, [](const Network& network) {
        return join_router(network)
            .and_then([&] { return netns::set_mtu(network.between[0], "router1", 1400); })
            .and_then([&] { return netns::write_setting(network.server, "ipv4/ip_no_pmtu_disc", "1"); });
    });
}

Result<Network> join_by_tap_cable() {
    return joined(0, join_taps);
}

Result<Network> tunnel_over_veth() {
    return through_veth(netns::Wrapping::vxlan);
}

Result<Network> ipip_over_veth() {
    return through_veth(netns::Wrapping::ipip);
}

Result<Network> gre_over_veth() {
    return through_veth(netns::Wrapping::gre);
}

Result<Network> vxlan_over_tunnel() {
    return through_tunnel(netns::Wrapping::vxlan);
}

Result<Network> gre_over_tunnel() {
    return through_tunnel(netns::Wrapping::gre);
}

Result<Network> encrypt_by_wireguard() {
    return joined(0, [](Network& network) {
        return join_ends(network).and_then([&] {
            const TunnelEnds ends = enter_tunnel(network);
            return netns::make_wireguard(ends.server, ends.client);
        });
    });
}

Result<Network> encrypt_by_macsec() {
    return joined(0, [](Network& network) {
        return join_ends(network).and_then([&] {
            const TunnelEnds ends = enter_tunnel(network);
            return netns::make_macsec(ends.server, ends.client);
        });
    });
}

Result<Network> encrypt_by_ipsec() {
    return joined(0, [](Network& network) {
        return join_ends(network)
            .and_then([&] { return netns::protect_by_ipsec(network.server, server_host, client_host); })
            .and_then([&] { return netns::protect_by_ipsec(*network.client, client_host, server_host); });
    });
}

}  // namespace netio::provoke
