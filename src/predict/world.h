// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "netns/netlink.h"
#include "netns/netns.h"
#include "predict/facts.h"

// The network namespaces of this machine that can be looked into, and what is asked inside of them. Nothing is changed.

namespace netio::predict {

// What rtnetlink says of a device, with what its kind adds.
struct Link {
    Device device;
    std::uint32_t master = 0;         // the bridge or bond it is a port of
    std::uint32_t lower = 0;          // IFLA_LINK: what it sends through; of a veth: the other end
    std::optional<int> lower_place;   // IFLA_LINK_NETNSID: in another namespace, by this one's number for it
    std::string remote;               // of a tunnel; empty: it has none, or several
    bool passes_to_siblings = false;  // macvlan in bridge mode, ipvlan in l2 or l3 mode
};

// A namespace that was opened; questions to it go through sockets that belong to it, from any thread.
class Room {
 public:
    // `own`: the namespace that this process is in, which is entered without asking.
    static Result<Room> open(netns::Namespace ns, bool own, std::string name);

    const Place& place() const { return place_; }
    int fd() const { return ns_.fd(); }
    // Runs `task` in a thread that is inside.
    Result<void> run(const std::function<Result<void>()>& task) const;

    // All devices; asked once.
    const std::vector<Link>& links();
    const Link* link(std::uint32_t index);
    Features features(const Device& device, int family) const;
    std::string driver(const Device& device) const;
    double corrupted(std::uint32_t index);
    std::vector<std::string> filters(std::uint32_t index, bool outgoing);
    // `index`: the device that it has to leave through; 0: any.
    Route look_up(int family, const std::string& address, std::uint32_t index, std::uint16_t port);
    // This namespace's number for another one; empty: it has none.
    std::optional<int> number_of(const Room& other);
    std::vector<model::TapFacts> taps() const;  // of all protocols; asked each time
    // Rules of nftables that may want payload; asked once. Nothing without CAP_NET_ADMIN.
    const std::vector<FirewallRule>& firewall();
    // Whether there are rules of the older iptables, which are not read.
    bool has_unread_firewall() const;
    // Whether a policy of IPsec covers what is sent to the address. Nothing without CAP_NET_ADMIN.
    bool is_protected(int family, const Route& route, const std::string& address) const;
    // A file below /proc/sys/net, as this namespace has it; empty: there is none.
    std::string setting(const std::string& name) const;
    bool has_ipsec_policies() const;

 private:
    Room(netns::Namespace ns, bool own, Place place, netns::Socket socket, Fd datagram)
        : ns_(std::move(ns)),
          own_(own),
          place_(std::move(place)),
          socket_(std::move(socket)),
          datagram_(std::move(datagram)) {}

    netns::Namespace ns_;
    bool own_;
    Place place_;
    netns::Socket socket_;
    Fd datagram_;
    std::optional<std::vector<Link>> links_;
    std::optional<std::vector<FirewallRule>> firewall_;
};

class World {
 public:
    // The sender's namespace first. Of the others those that a process is in, or has open, and those that are mounted
    // on a file; the ones that may not be entered are counted and left out.
    static Result<World> look_around(netns::Namespace sender);

    Room& sender() { return *rooms_.front(); }
    std::vector<std::unique_ptr<Room>>& rooms() { return rooms_; }
    std::size_t closed() const { return closed_; }
    // The namespace that `room` knows by that number; nullptr: none that could be opened.
    Room* by_number(Room& room, std::optional<int> number);

 private:
    World() = default;
    void add(netns::Namespace ns, const std::string& name);

    std::vector<std::unique_ptr<Room>> rooms_;
    std::size_t closed_ = 0;
};

}  // namespace netio::predict
