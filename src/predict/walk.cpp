// SPDX-License-Identifier: MIT
#include "predict/walk.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/words.h"

namespace netio::predict {

namespace {

using Kind = Step::Kind;

// A way that is longer leads in circles.
constexpr std::size_t longest_way = 64;

// The packet under way: the address it has now, which is a tunnel's once it is wrapped.
struct Packet {
    int family = 0;
    std::string address;
    bool wrapped = false;
    std::string neighbour = {};  // whose hardware address it carries: the gateway's, or the receiver's own
};

class Walk {
 public:
    Walk(World& world, Facts& facts) : world_(world), facts_(facts) {}

    Result<void> begin();

 private:
    Step& note(Kind kind, Room& room, const Link& link, const Packet& packet);
    void end(Kind kind, Room& room, const Link& link, std::string why);
    bool is_too_long(Room& room, const Link& link);

    void leave_by(Room& room, const Route& route, Packet packet);
    void send(Room& room, const Link& link, const Packet& packet);
    void pass_down(Room& room, const Link& link, const Packet& packet);
    void cross(Room& room, const Link& link, const Packet& packet);
    void share(Room& room, const Link& link, const Packet& packet);
    void wrap(Room& room, const Link& link);
    void leave_bridge(Room& room, const Link& bridge, std::uint32_t but, const Packet& packet);
    void receive(Room& room, const Link& link, const Packet& packet);
    void arrive(Room& room, const Link& link, const Packet& packet);
    void forward(Room& room, const Link& link, const Route& route, const Packet& packet);

    bool is_neighbour(Room& room, const Packet& packet);
    bool leads_there(Room& room, const Link& port, const Packet& packet);
    bool receive_by_sibling(Room& home, std::uint32_t lower, const Packet& packet);

    World& world_;
    Facts& facts_;
};

Step& Walk::note(Kind kind, Room& room, const Link& link, const Packet& packet) {
    Step step{.kind = kind, .place = room.place(), .device = link.device, .wrapped = packet.wrapped};
    step.device.driver = link.device.kind.empty() && !link.device.name.empty() ? room.driver(link.device) : "";
    // The hooks of netfilter that packets pass: on the way out of a socket, through, and on the way in to one.
    if (facts_.way.empty() || kind == Kind::forward || kind == Kind::deliver) {
        step.rules = room.firewall();
    }
    if (kind == Kind::send || kind == Kind::receive) {
        const bool outgoing = kind == Kind::send;
        step.device.features = room.features(link.device, facts_.target.family);
        step.device.corrupted = outgoing ? room.corrupted(link.device.index) : 0;
        step.programs = room.filters(link.device.index, outgoing);
        for (const auto& tap : room.taps()) {
            if (tap.device.empty() || tap.device == link.device.name) {
                step.taps.push_back(tap);
            }
        }
    }
    facts_.way.push_back(std::move(step));
    return facts_.way.back();
}

void Walk::end(Kind kind, Room& room, const Link& link, std::string why) {
    note(kind, room, link, {}).note = std::move(why);
}

bool Walk::is_too_long(Room& room, const Link& link) {
    if (facts_.way.size() < longest_way) {
        return false;
    }
    end(Kind::unseen, room, link, fmt::format("the rest of the way, which is over {} steps long", longest_way));
    return true;
}

Result<void> Walk::begin() {
    Room& room = world_.sender();
    const Packet packet{facts_.target.family, facts_.target.address, false};
    facts_.route = room.look_up(packet.family, packet.address, 0, facts_.target.port);
    if (!facts_.route.refusal.empty()) {
        return fail(fmt::format("cannot send to {} from {}", packet.address, room.place().name), facts_.route.refusal,
                    "an address that `ip route get` knows a way to, or --netns for another network namespace",
                    ExitCode::usage);
    }
    facts_.ipsec = room.is_protected(packet.family, facts_.route, packet.address);
    leave_by(room, facts_.route, packet);
    return {};
}

void Walk::leave_by(Room& room, const Route& route, Packet packet) {
    packet.neighbour = route.gateway.empty() ? packet.address : route.gateway;
    const auto& links = room.links();
    // What is sent to an address of one's own goes through lo, whichever device has the address (ip_route_output_key).
    const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
        return route.type == Route::Type::local ? link.device.loopback : link.device.index == route.index;
    });
    if (found == links.end()) {
        end(Kind::unseen, room, {}, "the device that the route leads through");
        return;
    }
    send(room, *found, packet);
}

void Walk::send(Room& room, const Link& link, const Packet& packet) {
    if (is_too_long(room, link)) {
        return;
    }
    note(Kind::send, room, link, packet);
    if (!link.device.up) {
        end(Kind::vanish, room, link, fmt::format("{} is down", link.device.name));
        return;
    }
    const std::string& kind = link.device.kind;
    if (link.device.loopback) {
        receive(room, link, packet);
    } else if (is_one_of(kind, {"veth", "netkit", "vxcan"})) {
        cross(room, link, packet);
    } else if (is_one_of(kind, {"macvlan", "ipvlan", "macvtap", "ipvtap"})) {
        share(room, link, packet);
    } else if (is_one_of(kind, {"tun", "tap"})) {
        end(Kind::process, room, link, "");
    } else if (is_one_of(kind, {"wireguard", "dummy", ""})) {
        end(Kind::leave, room, link, "");
    } else if (kind == "bridge") {
        leave_bridge(room, link, 0, packet);
    } else {
        pass_down(room, link, packet);
    }
}

// Devices that lie on others.
void Walk::pass_down(Room& room, const Link& link, const Packet& packet) {
    if (is_one_of(link.device.kind, {"bond", "team"})) {
        const auto& links = room.links();
        const auto port = std::find_if(links.begin(), links.end(), [&](const Link& other) {
            return other.master == link.device.index && other.device.up;
        });
        if (port != links.end()) {
            send(room, *port, packet);
            return;
        }
    }
    if (is_one_of(link.device.kind, {"vxlan", "geneve", "gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ipip", "sit",
                                     "ip6tnl", "vti", "vti6"})) {
        wrap(room, link);
        return;
    }
    Room* home = world_.by_number(room, link.lower_place);
    const Link* lower = home != nullptr && link.lower != 0 ? home->link(link.lower) : nullptr;
    if (lower == nullptr || lower->device.index == link.device.index) {
        end(Kind::unseen, room, link,
            fmt::format("what {} ({}) does with packets", link.device.name, link.device.kind));
        return;
    }
    send(*home, *lower, packet);
}

// To the other end of a cable.
void Walk::cross(Room& room, const Link& link, const Packet& packet) {
    Room* other = world_.by_number(room, link.lower_place);
    const Link* far = other != nullptr ? other->link(link.lower) : nullptr;
    if (far == nullptr) {
        end(Kind::unseen, room, link,
            fmt::format("the other end of {}, in another network namespace of this machine", link.device.name));
        return;
    }
    if (!far->device.up) {
        end(Kind::vanish, *other, *far, fmt::format("{}, the other end, is down", far->device.name));
        return;
    }
    receive(*other, *far, packet);
}

// Devices that share a cable reach each other without it (macvlan_queue_xmit, ipvlan_xmit_mode_l2).
void Walk::share(Room& room, const Link& link, const Packet& packet) {
    Room* home = world_.by_number(room, link.lower_place);
    if (home == nullptr) {
        end(Kind::unseen, room, link, fmt::format("the device below {}", link.device.name));
        return;
    }
    if (link.passes_to_siblings && receive_by_sibling(*home, link.lower, packet)) {
        return;
    }
    pass_down(room, link, packet);
}

bool Walk::receive_by_sibling(Room& home, std::uint32_t lower, const Packet& packet) {
    for (const auto& room : world_.rooms()) {
        for (const Link& link : room->links()) {
            const bool shares = is_one_of(link.device.kind, {"macvlan", "ipvlan", "macvtap", "ipvtap"}) &&
                                link.lower == lower && world_.by_number(*room, link.lower_place) == &home;
            if (shares && link.device.up && is_neighbour(*room, packet)) {
                receive(*room, link, packet);
                return true;
            }
        }
    }
    return false;
}

// A tunnel's packet has a way of its own, in the namespace that the tunnel was made in.
void Walk::wrap(Room& room, const Link& link) {
    Room* home = world_.by_number(room, link.lower_place);
    if (home == nullptr || link.remote.empty()) {
        end(Kind::unseen, room, link, fmt::format("where the tunnel {} leads", link.device.name));
        return;
    }
    const int family = link.remote.find(':') == std::string::npos ? AF_INET : AF_INET6;
    const Packet outer{family, link.remote, true};
    const Route route = home->look_up(family, outer.address, link.lower, 0);
    if (!route.refusal.empty()) {
        end(Kind::vanish, *home, link, fmt::format("there is no route to {}: {}", outer.address, route.refusal));
        return;
    }
    leave_by(*home, route, outer);
}

// A bridge sends to the port behind which the receiver is. Its table of addresses knows only who has sent before, so
// the ports are looked behind instead.
void Walk::leave_bridge(Room& room, const Link& bridge, std::uint32_t but, const Packet& packet) {
    std::vector<const Link*> ports;
    for (const Link& link : room.links()) {
        if (link.master == bridge.device.index && link.device.index != but && link.device.up) {
            ports.push_back(&link);
        }
    }
    const auto there =
        std::find_if(ports.begin(), ports.end(), [&](const Link* port) { return leads_there(room, *port, packet); });
    if (there == ports.end() && ports.size() != 1) {
        end(ports.empty() ? Kind::vanish : Kind::unseen, room, bridge,
            ports.empty() ? fmt::format("{} has no other port", bridge.device.name)
                          : fmt::format("which port of {} the receiver is behind", bridge.device.name));
        return;
    }
    send(room, there != ports.end() ? **there : *ports.front(), packet);
}

bool Walk::leads_there(Room& room, const Link& port, const Packet& packet) {
    if (!is_one_of(port.device.kind, {"veth", "netkit"})) {
        return false;
    }
    Room* other = world_.by_number(room, port.lower_place);
    return other != nullptr && is_neighbour(*other, packet);
}

bool Walk::is_neighbour(Room& room, const Packet& packet) {
    const int family = packet.neighbour.find(':') == std::string::npos ? AF_INET : AF_INET6;
    return room.look_up(family, packet.neighbour, 0, 0).type == Route::Type::local;
}

void Walk::receive(Room& room, const Link& link, const Packet& packet) {
    if (is_too_long(room, link)) {
        return;
    }
    note(Kind::receive, room, link, packet);
    const bool for_this = is_neighbour(room, packet);
    const Link* master = link.master != 0 ? room.link(link.master) : nullptr;
    if (master != nullptr && master->device.kind == "bridge" && !for_this) {
        leave_bridge(room, *master, link.device.index, packet);
    } else if (for_this || !receive_by_sibling(room, link.device.index, packet)) {
        if (master != nullptr) {  // which hands it up as its own (br_pass_frame_up, bond_handle_frame)
            note(Kind::receive, room, *master, packet);
        }
        arrive(room, master != nullptr ? *master : link, packet);
    }
}

// Up to the protocol: delivered or passed on.
void Walk::arrive(Room& room, const Link& link, const Packet& packet) {
    const Route route = room.look_up(packet.family, packet.address, 0, 0);
    if (route.type == Route::Type::local) {
        note(Kind::deliver, room, link, packet);
    } else if (!route.refusal.empty()) {
        end(Kind::vanish, room, link, fmt::format("there is no route to {}: {}", packet.address, route.refusal));
    } else {
        forward(room, link, route, packet);
    }
}

void Walk::forward(Room& room, const Link& link, const Route& route, const Packet& packet) {
    const bool six = packet.family == AF_INET6;
    const std::string name = six ? "ipv6/conf/all/forwarding" : "ipv4/conf/" + link.device.name + "/forwarding";
    if (room.setting(name) == "0") {
        end(Kind::vanish, room, link, fmt::format("{} does not forward: net.{} is 0", room.place().name, name));
        return;
    }
    const Link* next = room.link(route.index);
    Step& step = note(Kind::forward, room, next != nullptr ? *next : link, packet);
    step.device.mtu = route.mtu != 0 ? std::min(route.mtu, step.device.mtu) : step.device.mtu;
    leave_by(room, route, packet);
}

}  // namespace

Result<void> walk(World& world, Facts& facts) {
    return Walk(world, facts).begin();
}

}  // namespace netio::predict
