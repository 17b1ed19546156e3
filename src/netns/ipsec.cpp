// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/xfrm.h>
#include <netlink/errno.h>

#include <array>
#include <cstring>

#include "netns/encryption.h"
#include "netns/generic_netlink.h"

namespace netio::netns {

namespace {

constexpr std::string_view cipher = "rfc4106(gcm(aes))";
constexpr std::string_view key = "netio-trace tests in";  // 16 bytes of key and 4 of salt
constexpr unsigned tag_bits = 128;

// One direction: what goes from one address to another.
struct Direction {
    xfrm_address_t from{};
    xfrm_address_t to{};
};

xfrm_address_t parse(const std::string& address) {
    xfrm_address_t bits{};
    ::inet_pton(AF_INET, address.c_str(), &bits.a4);
    return bits;
}

xfrm_lifetime_cfg for_ever() {
    xfrm_lifetime_cfg lifetime{};
    lifetime.soft_byte_limit = lifetime.hard_byte_limit = XFRM_INF;
    lifetime.soft_packet_limit = lifetime.hard_packet_limit = XFRM_INF;
    return lifetime;
}

// The two ends number a direction alike: by the sender's address.
std::uint32_t number_of(const Direction& direction) {
    return direction.from.a4;
}

Message describe_state(const Direction& direction) {
    xfrm_usersa_info state{};
    state.id.daddr = direction.to;
    state.id.spi = number_of(direction);
    state.id.proto = IPPROTO_ESP;
    state.saddr = direction.from;
    state.lft = for_ever();
    state.family = AF_INET;
    state.mode = XFRM_MODE_TRANSPORT;
    Message message = make_request(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL, &state, sizeof state);
    std::array<char, sizeof(xfrm_algo_aead) + key.size()> bytes{};
    xfrm_algo_aead algorithm{};
    cipher.copy(static_cast<char*>(algorithm.alg_name), sizeof algorithm.alg_name - 1);
    algorithm.alg_key_len = static_cast<unsigned>(key.size()) * 8;
    algorithm.alg_icv_len = tag_bits;
    std::memcpy(bytes.data(), &algorithm, sizeof algorithm);
    key.copy(bytes.data() + sizeof algorithm, key.size());
    nla_put(message.get(), XFRMA_ALG_AEAD, bytes.size(), bytes.data());
    return message;
}

Message describe_policy(const Direction& direction, std::uint8_t way) {
    xfrm_userpolicy_info policy{};
    policy.sel.saddr = direction.from;
    policy.sel.daddr = direction.to;
    policy.sel.family = AF_INET;
    policy.sel.prefixlen_s = policy.sel.prefixlen_d = 32;
    policy.lft = for_ever();
    policy.dir = way;
    policy.action = XFRM_POLICY_ALLOW;
    Message message = make_request(XFRM_MSG_NEWPOLICY, NLM_F_CREATE | NLM_F_EXCL, &policy, sizeof policy);
    xfrm_user_tmpl wanted{};
    wanted.id.proto = IPPROTO_ESP;
    wanted.family = AF_INET;
    wanted.mode = XFRM_MODE_TRANSPORT;
    wanted.aalgos = wanted.ealgos = wanted.calgos = UINT32_MAX;
    nla_put(message.get(), XFRMA_TMPL, sizeof wanted, &wanted);
    return message;
}

Result<Socket> open_ipsec_socket() {
    Socket socket(nl_socket_alloc());
    if (!socket) {
        return fail_errno("cannot open a netlink socket", ENOMEM);
    }
    if (const int code = nl_connect(socket.get(), NETLINK_XFRM); code < 0) {
        const bool lacking = code == -NLE_PROTO_MISMATCH || code == -NLE_AF_NOSUPPORT || code == -NLE_OPNOTSUPP;
        return netlink_error("cannot configure IPsec", lacking ? -NLE_OPNOTSUPP : code, "xfrm_user");
    }
    return socket;
}

// The kernel says "no such thing" where it lacks the protocol or the cipher (xfrm_init_state, esp_init_aead).
Result<void> apply(nl_sock* socket, const Message& message, const std::string& what) {
    if (const int code = submit(socket, message.get()); code < 0) {
        const bool lacking = code == -NLE_PROTO_MISMATCH || code == -NLE_OBJ_NOTFOUND || code == -NLE_AF_NOSUPPORT ||
                             code == -NLE_FAILURE;
        return netlink_error(what, lacking ? -NLE_OPNOTSUPP : code, "esp4");
    }
    return {};
}

}  // namespace

Result<void> protect_by_ipsec(const Namespace& ns, const std::string& local, const std::string& remote) {
    const Direction out{parse(local), parse(remote)};
    const Direction in{out.to, out.from};
    return ns.run([&]() -> Result<void> {
        auto socket = open_ipsec_socket();
        if (!socket) {
            return Unexpected(socket.error());
        }
        const auto put = [&](const Message& message, const char* what) { return apply(socket->get(), message, what); };
        return put(describe_state(out), "cannot add an IPsec state")
            .and_then([&] { return put(describe_state(in), "cannot add an IPsec state"); })
            .and_then([&] { return put(describe_policy(out, XFRM_POLICY_OUT), "cannot add an IPsec policy"); })
            .and_then([&] { return put(describe_policy(in, XFRM_POLICY_IN), "cannot add an IPsec policy"); });
    });
}

}  // namespace netio::netns
