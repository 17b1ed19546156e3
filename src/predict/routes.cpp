// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>

#include "predict/query.h"
#include "predict/world.h"

// Where a packet would be sent to, asked as ip-route(8) `get` asks (inet_rtm_getroute, inet6_rtm_getroute).

namespace netio::predict {

namespace {

struct Binary {
    std::array<unsigned char, 16> bytes{};
    int size = 0;
};

Binary binary_of(int family, const std::string& address) {
    Binary binary;
    binary.size = family == AF_INET ? 4 : 16;
    ::inet_pton(family, address.c_str(), binary.bytes.data());
    return binary;
}

std::string spell(int family, const void* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return ::inet_ntop(family, bytes, text.data(), text.size()) != nullptr ? text.data() : "";
}

std::string spell_gateway(int family, const Attributes& attributes) {
    if (attributes[RTA_GATEWAY] != nullptr) {
        return spell(family, nla_data(attributes[RTA_GATEWAY]));
    }
    if (attributes[RTA_VIA] != nullptr) {  // a gateway of the other family
        const auto* via = static_cast<const rtvia*>(nla_data(attributes[RTA_VIA]));
        return spell(via->rtvia_family, static_cast<const void*>(via->rtvia_addr));
    }
    return {};
}

// IPv6 answers with a route that refuses, where IPv4 answers with an error.
std::string refusal_of(const Attributes& attributes) {
    const nlattr* cache = attributes[RTA_CACHEINFO];
    const auto error = cache == nullptr ? 0U : static_cast<const rta_cacheinfo*>(nla_data(cache))->rta_error;
    return errno_text(error == 0 ? ENETUNREACH : std::abs(static_cast<int>(error)));
}

Route read_route(nlmsghdr* message) {
    const auto* header = static_cast<const rtmsg*>(nlmsg_data(message));
    const Attributes attributes = attributes_of(message, sizeof *header, RTA_MAX);
    const Attributes metrics = attributes_of(attributes[RTA_METRICS], RTAX_MAX);
    const int family = header->rtm_family;
    Route route;
    route.type = header->rtm_type == RTN_LOCAL     ? Route::Type::local
                 : header->rtm_type == RTN_UNICAST ? Route::Type::unicast
                                                   : Route::Type::other;
    route.index = attributes[RTA_OIF] == nullptr ? 0 : nla_get_u32(attributes[RTA_OIF]);
    route.gateway = spell_gateway(family, attributes);
    route.source = attributes[RTA_PREFSRC] == nullptr ? "" : spell(family, nla_data(attributes[RTA_PREFSRC]));
    route.mtu = metrics[RTAX_MTU] == nullptr ? 0 : nla_get_u32(metrics[RTAX_MTU]);
    if (header->rtm_type == RTN_BROADCAST || header->rtm_type == RTN_MULTICAST || header->rtm_type == RTN_ANYCAST) {
        route.refusal = "it is no address of one receiver, as TCP needs it";
    } else if (route.type == Route::Type::other) {
        route.refusal = refusal_of(attributes);
    }
    return route;
}

}  // namespace

Route Room::look_up(int family, const std::string& address, std::uint32_t index, std::uint16_t port) {
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(family);
    const Binary to = binary_of(family, address);
    header.rtm_dst_len = static_cast<unsigned char>(to.size * 8);
    header.rtm_flags = RTM_F_LOOKUP_TABLE;
    const Message message = question(RTM_GETROUTE, 0, header);
    nla_put(message.get(), RTA_DST, to.size, to.bytes.data());
    if (index != 0) {
        nla_put_u32(message.get(), RTA_OIF, index);
    }
    if (port != 0) {  // rules of routing may ask for it (ip-rule(8))
        nla_put_u8(message.get(), RTA_IP_PROTO, IPPROTO_TCP);
        nla_put_u16(message.get(), RTA_DPORT, htons(port));
    }
    Route route;
    const int refused = ask(socket_.get(), message.get(), [&](nlmsghdr* answer) { route = read_route(answer); });
    if (refused != 0) {
        route = {};
        route.refusal = errno_text(refused);
    }
    const Link* device = link(route.index);
    route.device = device != nullptr ? device->device.name : "";
    return route;
}

std::optional<int> Room::number_of(const Room& other) {
    const Message message = question(RTM_GETNSID, 0, rtgenmsg{});
    nla_put_u32(message.get(), NETNSA_FD, static_cast<std::uint32_t>(other.fd()));
    std::optional<int> number;
    (void)ask(socket_.get(), message.get(), [&](nlmsghdr* answer) {
        const Attributes attributes = attributes_of(answer, sizeof(rtgenmsg), NETNSA_MAX);
        if (attributes[NETNSA_NSID] != nullptr && nla_get_s32(attributes[NETNSA_NSID]) >= 0) {
            number = nla_get_s32(attributes[NETNSA_NSID]);
        }
    });
    return number;
}

}  // namespace netio::predict
