// SPDX-License-Identifier: MIT
#include "app/network.h"

#include "netns/link.h"

namespace netio::app {

namespace {

Result<Network> make_loopback() {
    auto ns = netns::Namespace::create();
    if (!ns) {
        return tl::make_unexpected(ns.error());
    }
    if (auto up = netns::loopback_up(*ns); !up) {
        return tl::make_unexpected(up.error());
    }
    return Network{std::move(*ns), std::nullopt, "127.0.0.1", "lo"};
}

Result<Network> make_pair() {
    auto server = netns::Namespace::create();
    if (!server) {
        return tl::make_unexpected(server.error());
    }
    auto client = netns::Namespace::create();
    if (!client) {
        return tl::make_unexpected(client.error());
    }
    auto joined = netns::make_veth({*server, "server0", "10.99.0.1/24"}, {*client, "client0", "10.99.0.2/24"});
    if (!joined) {
        return tl::make_unexpected(joined.error());
    }
    return Network{std::move(*server), std::move(*client), "10.99.0.1", "server0"};
}

}  // namespace

Result<Network> make_network(model::Path path) {
    return path == model::Path::lo ? make_loopback() : make_pair();
}

}  // namespace netio::app
