// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/vocabulary.h"
#include "netns/netns.h"
#include "provoke/helper.h"

namespace netio::provoke {

// Where the two ends of a run live. The namespaces have no names and vanish with the last process in them.
struct Network {
    netns::Namespace server;
    std::optional<netns::Namespace> client;  // nothing: the server's
    std::string server_address;
    std::string server_device;  // the device that the server's packets leave through
    std::string client_device;
    std::vector<netns::Namespace> between;  // bridges and routers on the way
    std::vector<Helper> helpers;            // processes that belong to the network

    int server_fd() const { return server.fd(); }
    int client_fd() const { return client ? client->fd() : server.fd(); }
    const netns::Namespace& client_namespace() const { return client ? *client : server; }
};

// `veth`: two namespaces joined by a veth pair. `lo`: one namespace, its own loopback. Not `remote`, which makes none.
Result<Network> make_network(model::Path path);
// The namespace of this process as it is; the server listens on that address, and the client is elsewhere.
Result<Network> own_network(const std::string& server_address);

Result<Network> join_by_loopback();  // one namespace, its own loopback
// Two namespaces joined ...
Result<Network> join_by_wide_cable();  // by a veth pair for packets of 9000 bytes
// by a veth pair for packets of 65500 bytes, of which the receiver asks for 60000
Result<Network> join_by_widest_cable();
Result<Network> join_by_macvlan();  // by macvlan devices on one cable
Result<Network> join_by_ipvlan();   // by ipvlan devices on one cable
Result<Network> join_by_bridge();   // by a bridge in a third namespace
Result<Network> join_by_router();   // by a third namespace that forwards between two networks
// ... by one whose way to the client takes 1400 bytes, and that may cut the server's packets into fragments
Result<Network> join_by_narrow_router();
Result<Network> join_by_tap_cable();  // by two tap devices and a process that carries the frames
Result<Network> tunnel_over_veth();  // by a VXLAN tunnel through a veth pair, which takes tunnelled packets as they are
Result<Network> ipip_over_veth();    // by an IP-in-IP tunnel through a veth pair
Result<Network> gre_over_veth();     // by a GRE tunnel through a veth pair
// ... by a tunnel of VXLAN or GRE through another tunnel, which computes no checksums inside of what it wraps
Result<Network> vxlan_over_tunnel();
Result<Network> gre_over_tunnel();

Result<Network> encrypt_by_wireguard();  // by WireGuard devices over a veth pair
Result<Network> encrypt_by_macsec();     // by MACsec devices on a veth pair
Result<Network> encrypt_by_ipsec();      // by a veth pair, with IPsec between the addresses

}  // namespace netio::provoke
