// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "model/vocabulary.h"
#include "netns/netns.h"

namespace netio::app {

// Where the two ends of a run live. The namespaces have no names and vanish with the last process in them.
struct Network {
    netns::Namespace server;
    std::optional<netns::Namespace> client;  // nothing: the server's
    std::string server_address;
    std::string server_device;  // the device that the server's packets leave through

    int server_fd() const { return server.fd(); }
    int client_fd() const { return client ? client->fd() : server.fd(); }
};

// `veth`: two namespaces joined by a veth pair. `lo`: one namespace, its own loopback.
Result<Network> make_network(model::Path path);

}  // namespace netio::app
