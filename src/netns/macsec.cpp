// SPDX-License-Identifier: MIT
#ifdef __clang__  // libnl's header declares once more an enumeration that the kernel's has defined
#pragma clang diagnostic ignored "-Wgnu-redeclared-enum"
#endif
#include <linux/if_macsec.h>
#include <net/if.h>
#include <netlink/route/link/macsec.h>

#include <array>
#include <cstring>

#include "netns/encryption.h"
#include "netns/generic_netlink.h"

namespace netio::netns {

namespace {

constexpr std::uint16_t port = 1;
constexpr std::array<std::uint8_t, 16> key{'n', 'e', 't', 'i', 'o', '-', 't', 'r',
                                           'a', 'c', 'e', ' ', 't', 'e', 's', 't'};

// The identifier of a secure channel: the hardware address of its sender and a port.
using Channel = std::array<std::uint8_t, 8>;

// That of a device which exists.
Result<Channel> channel_of(const Tunnel& sender) {
    Channel channel{};
    auto asked = sender.end.ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        auto link = socket ? find_link(socket->get(), sender.end.device) : Result<Link>(Unexpected(socket.error()));
        if (!link) {
            return Unexpected(link.error());
        }
        std::uint64_t number = 0;
        if (const int code = rtnl_link_macsec_get_sci(link->get(), &number); code < 0) {
            return netlink_error("cannot ask the device " + sender.end.device + " for its channel", code);
        }
        std::memcpy(channel.data(), &number, sizeof number);
        return {};
    });
    return asked ? Result<Channel>(channel) : Unexpected(asked.error());
}

Result<void> make_device_on(const Tunnel& tunnel) {
    return tunnel.end.ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        auto below = socket ? find_link(socket->get(), tunnel.lower) : Result<Link>(Unexpected(socket.error()));
        if (!below) {
            return Unexpected(below.error());
        }
        const Link link(rtnl_link_macsec_alloc());
        rtnl_link_set_name(link.get(), tunnel.end.device.c_str());
        rtnl_link_set_link(link.get(), rtnl_link_get_ifindex(below->get()));
        rtnl_link_macsec_set_port(link.get(), port);
        rtnl_link_macsec_set_encrypt(link.get(), 1);
        if (const int code = rtnl_link_add(socket->get(), link.get(), NLM_F_CREATE | NLM_F_EXCL); code < 0) {
            return netlink_error("cannot create the macsec device " + tunnel.end.device, code, "macsec");
        }
        return {};
    });
}

// A secure association: the key in use on a channel.
void put_association(nl_msg* message) {
    nlattr* association = nla_nest_start(message, MACSEC_ATTR_SA_CONFIG);
    nla_put_u8(message, MACSEC_SA_ATTR_AN, 0);
    nla_put_u32(message, MACSEC_SA_ATTR_PN, 1);
    nla_put(message, MACSEC_SA_ATTR_KEY, sizeof key, key.data());
    nla_put(message, MACSEC_SA_ATTR_KEYID, MACSEC_KEYID_LEN, key.data());
    nla_put_u8(message, MACSEC_SA_ATTR_ACTIVE, 1);
    nla_nest_end(message, association);
}

void put_channel(nl_msg* message, const Channel& channel, bool is_new) {
    nlattr* config = nla_nest_start(message, MACSEC_ATTR_RXSC_CONFIG);
    nla_put(message, MACSEC_RXSC_ATTR_SCI, sizeof channel, channel.data());
    if (is_new) {
        nla_put_u8(message, MACSEC_RXSC_ATTR_ACTIVE, 1);
    }
    nla_nest_end(message, config);
}

Result<void> give_keys(const Tunnel& tunnel, const Channel& from_peer) {
    return tunnel.end.ns.run([&]() -> Result<void> {
        auto family = GenericFamily::find(MACSEC_GENL_NAME);
        if (!family) {
            return Unexpected(family.error());
        }
        const std::string what = "cannot give keys to the device " + tunnel.end.device;
        const auto request = [&](std::uint8_t command) {
            Message message = family->request(command);
            nla_put_u32(message.get(), MACSEC_ATTR_IFINDEX, ::if_nametoindex(tunnel.end.device.c_str()));
            return message;
        };
        const Message sending = request(MACSEC_CMD_ADD_TXSA);
        put_association(sending.get());
        const Message channel = request(MACSEC_CMD_ADD_RXSC);
        put_channel(channel.get(), from_peer, true);
        const Message receiving = request(MACSEC_CMD_ADD_RXSA);
        put_channel(receiving.get(), from_peer, false);
        put_association(receiving.get());
        return family->submit(sending, what).and_then([&] { return family->submit(channel, what); }).and_then([&] {
            return family->submit(receiving, what);
        });
    });
}

}  // namespace

Result<void> make_macsec(const Tunnel& a, const Tunnel& b) {
    if (auto made = make_device_on(a).and_then([&] { return make_device_on(b); }); !made) {
        return made;
    }
    auto channel_of_a = channel_of(a);
    auto channel_of_b = channel_of(b);
    if (!channel_of_a || !channel_of_b) {
        return Unexpected(channel_of_a ? channel_of_b.error() : channel_of_a.error());
    }
    return give_keys(a, *channel_of_b)
        .and_then([&] { return give_keys(b, *channel_of_a); })
        .and_then([&] { return configure_device(a.end); })
        .and_then([&] { return configure_device(b.end); });
}

}  // namespace netio::netns
