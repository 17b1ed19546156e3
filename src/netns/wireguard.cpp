// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <linux/wireguard.h>
#include <net/if.h>

#include <array>

#include "netns/encryption.h"
#include "netns/generic_netlink.h"

namespace netio::netns {

namespace {

constexpr std::uint16_t port = 51820;
using Key = std::array<std::uint8_t, WG_KEY_LEN>;

// A private key, and the public key that belongs to it (X25519, RFC 7748).
struct KeyPair {
    std::uint8_t filling;  // every byte of the private key, which the kernel clamps
    Key public_key;
};
constexpr KeyPair keys_of_a{
    1, {0xa4, 0xe0, 0x92, 0x92, 0xb6, 0x51, 0xc2, 0x78, 0xb9, 0x77, 0x2c, 0x56, 0x9f, 0x5f, 0xa9, 0xbb,
        0x13, 0xd9, 0x06, 0xb4, 0x6a, 0xb6, 0x8c, 0x9d, 0xf9, 0xdc, 0x2b, 0x44, 0x09, 0xf8, 0xa2, 0x09}};
constexpr KeyPair keys_of_b{
    2, {0xce, 0x8d, 0x3a, 0xd1, 0xcc, 0xb6, 0x33, 0xec, 0x7b, 0x70, 0xc1, 0x78, 0x14, 0xa5, 0xc7, 0x6e,
        0xcd, 0x02, 0x96, 0x85, 0x05, 0x0d, 0x34, 0x47, 0x45, 0xba, 0x05, 0x87, 0x0e, 0x58, 0x7d, 0x59}};

void put_endpoint(nl_msg* message, const std::string& address) {
    sockaddr_in endpoint{};
    endpoint.sin_family = AF_INET;
    endpoint.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &endpoint.sin_addr);
    nla_put(message, WGPEER_A_ENDPOINT, sizeof endpoint, &endpoint);
}

void put_all_addresses(nl_msg* message) {
    const in_addr any{};
    nlattr* list = nla_nest_start(message, WGPEER_A_ALLOWEDIPS);
    nlattr* one = nla_nest_start(message, 0);
    nla_put_u16(message, WGALLOWEDIP_A_FAMILY, AF_INET);
    nla_put(message, WGALLOWEDIP_A_IPADDR, sizeof any, &any);
    nla_put_u8(message, WGALLOWEDIP_A_CIDR_MASK, 0);
    nla_nest_end(message, one);
    nla_nest_end(message, list);
}

Result<void> give_keys(const Tunnel& tunnel, const KeyPair& own, const KeyPair& peers) {
    return tunnel.end.ns.run([&]() -> Result<void> {
        auto family = GenericFamily::find(WG_GENL_NAME);
        if (!family) {
            return Unexpected(family.error());
        }
        Key private_key;
        private_key.fill(own.filling);
        const Message message = family->request(WG_CMD_SET_DEVICE);
        nla_put_u32(message.get(), WGDEVICE_A_IFINDEX, ::if_nametoindex(tunnel.end.device.c_str()));
        nla_put(message.get(), WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, private_key.data());
        nla_put_u16(message.get(), WGDEVICE_A_LISTEN_PORT, port);
        nlattr* list = nla_nest_start(message.get(), WGDEVICE_A_PEERS);
        nlattr* peer = nla_nest_start(message.get(), 0);
        nla_put(message.get(), WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, peers.public_key.data());
        put_endpoint(message.get(), tunnel.remote);
        put_all_addresses(message.get());
        nla_nest_end(message.get(), peer);
        nla_nest_end(message.get(), list);
        return family->submit(message, "cannot give keys to the device " + tunnel.end.device);
    });
}

Result<void> make_end(const Tunnel& tunnel, const KeyPair& own, const KeyPair& peers) {
    return make_device(tunnel.end.ns, tunnel.end.device, "wireguard")
        .and_then([&] { return give_keys(tunnel, own, peers); })
        .and_then([&] { return configure_device(tunnel.end); });
}

}  // namespace

Result<void> make_wireguard(const Tunnel& a, const Tunnel& b) {
    return make_end(a, keys_of_a, keys_of_b).and_then([&] { return make_end(b, keys_of_b, keys_of_a); });
}

}  // namespace netio::netns
