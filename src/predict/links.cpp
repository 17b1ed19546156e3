// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>

#include "predict/query.h"
#include "predict/world.h"

// Devices, as rtnetlink tells of them (rtnl_fill_ifinfo).

namespace netio::predict {

namespace {

// Where the data of a tunnel's kind have the address of the other end (drivers/net/vxlan.c: vxlan_fill_info, ...).
struct TunnelKind {
    std::string_view kind;
    std::array<int, 2> remote;  // IPv4, IPv6; 0: none
};
constexpr std::array<TunnelKind, 12> tunnel_kinds{{{"vxlan", {IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6}},
                                                   {"geneve", {IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6}},
                                                   {"gre", {IFLA_GRE_REMOTE, 0}},
                                                   {"gretap", {IFLA_GRE_REMOTE, 0}},
                                                   {"erspan", {IFLA_GRE_REMOTE, 0}},
                                                   {"ip6gre", {IFLA_GRE_REMOTE, 0}},
                                                   {"ip6gretap", {IFLA_GRE_REMOTE, 0}},
                                                   {"ipip", {IFLA_IPTUN_REMOTE, 0}},
                                                   {"sit", {IFLA_IPTUN_REMOTE, 0}},
                                                   {"ip6tnl", {IFLA_IPTUN_REMOTE, 0}},
                                                   {"vti", {IFLA_VTI_REMOTE, 0}},
                                                   {"vti6", {IFLA_VTI_REMOTE, 0}}}};
constexpr int highest_data = 64;

// The attribute is an IPv4 or an IPv6 address by its length; all zeros stand for none.
std::string spell_address(const nlattr* attribute) {
    const int bytes = nla_len(attribute);
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes == 4 ? AF_INET : AF_INET6;
    const auto* data = static_cast<const unsigned char*>(nla_data(attribute));
    const bool none = std::all_of(data, data + bytes, [](unsigned char byte) { return byte == 0; });
    if (none || (bytes != 4 && bytes != 16) || ::inet_ntop(family, data, text.data(), text.size()) == nullptr) {
        return {};
    }
    return text.data();
}

std::string remote_of(const std::string& kind, const Attributes& data) {
    const auto* known =
        std::find_if(tunnel_kinds.begin(), tunnel_kinds.end(), [&](const TunnelKind& row) { return row.kind == kind; });
    if (known == tunnel_kinds.end()) {
        return {};
    }
    for (const int type : known->remote) {
        const nlattr* found = type == 0 ? nullptr : data[static_cast<std::size_t>(type)];
        if (found != nullptr) {
            return spell_address(found);
        }
    }
    return {};
}

bool passes_to_siblings(const std::string& kind, const Attributes& data) {
    if (kind == "macvlan" || kind == "macvtap") {
        const nlattr* mode = data[IFLA_MACVLAN_MODE];
        return mode != nullptr && nla_get_u32(mode) == MACVLAN_MODE_BRIDGE;
    }
    return kind == "ipvlan" || kind == "ipvtap";
}

void add_kind(Link& link, nlattr* nest) {
    const Attributes info = attributes_of(nest, IFLA_INFO_MAX);
    if (info[IFLA_INFO_KIND] == nullptr) {
        return;
    }
    link.device.kind = nla_get_string(info[IFLA_INFO_KIND]);
    const Attributes data = attributes_of(info[IFLA_INFO_DATA], highest_data);
    link.remote = remote_of(link.device.kind, data);
    link.passes_to_siblings = passes_to_siblings(link.device.kind, data);
    const nlattr* offload = link.device.kind == "macsec" ? data[IFLA_MACSEC_OFFLOAD] : nullptr;
    link.device.encrypts_by_itself = offload != nullptr && nla_get_u8(offload) != MACSEC_OFFLOAD_OFF;
}

Xdp xdp_of(nlattr* nest) {
    const nlattr* attached = attributes_of(nest, IFLA_XDP_MAX)[IFLA_XDP_ATTACHED];
    switch (attached == nullptr ? std::uint8_t{XDP_ATTACHED_NONE} : nla_get_u8(attached)) {
        case XDP_ATTACHED_DRV:
        case XDP_ATTACHED_MULTI:  // in more modes than one, of which one is the driver's
            return Xdp::native;
        case XDP_ATTACHED_SKB:
            return Xdp::generic;
        case XDP_ATTACHED_HW:
            return Xdp::offloaded;
        default:
            return Xdp::none;
    }
}

std::uint32_t number(const nlattr* attribute) {
    return attribute == nullptr ? 0 : nla_get_u32(attribute);
}

Link read_link(nlmsghdr* message) {
    const auto* header = static_cast<const ifinfomsg*>(nlmsg_data(message));
    const Attributes attributes = attributes_of(message, sizeof *header, IFLA_MAX);
    Link link;
    link.device.index = static_cast<std::uint32_t>(header->ifi_index);
    link.device.name = attributes[IFLA_IFNAME] == nullptr ? "?" : nla_get_string(attributes[IFLA_IFNAME]);
    link.device.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    link.device.up = (header->ifi_flags & IFF_UP) != 0;
    link.device.mtu = number(attributes[IFLA_MTU]);
    link.device.qdisc = attributes[IFLA_QDISC] == nullptr ? "" : nla_get_string(attributes[IFLA_QDISC]);
    link.device.xdp = xdp_of(attributes[IFLA_XDP]);
    link.master = number(attributes[IFLA_MASTER]);
    link.lower = number(attributes[IFLA_LINK]);
    if (attributes[IFLA_LINK_NETNSID] != nullptr) {
        link.lower_place = nla_get_s32(attributes[IFLA_LINK_NETNSID]);
    }
    add_kind(link, attributes[IFLA_LINKINFO]);
    return link;
}

}  // namespace

const std::vector<Link>& Room::links() {
    if (!links_) {
        links_.emplace();
        const Message message = question(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
        (void)ask(socket_.get(), message.get(),
                  [&](nlmsghdr* answer) { links_->push_back(read_link(answer)); });  // no answer: no device is found
    }
    return *links_;
}

const Link* Room::link(std::uint32_t index) {
    const auto& all = links();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Link& link) { return link.device.index == index; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace netio::predict
