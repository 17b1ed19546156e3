// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <netlink/errno.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/text.h"
#include "predict/query.h"
#include "predict/world.h"

// Rules that make the kernel want the payload of packets, and policies that have it encrypted. Asking takes
// CAP_NET_ADMIN.

namespace netio::predict {

namespace {

netns::Socket connect_to(int protocol) {
    netns::Socket socket(nl_socket_alloc());
    if (socket && nl_connect(socket.get(), protocol) < 0) {
        socket.reset();
    }
    return socket;
}

// Extensions of iptables, which nftables keeps as they are.
std::string cause_of_target(const std::string& name) {
    if (name == "NFQUEUE") {
        return "queued-to-process";
    }
    if (name == "CHECKSUM") {
        return "firewall-checksum";
    }
    return name == "CT" ? "connection-helper" : "";
}

std::string cause_of(nlattr* expression) {
    const Attributes parts = attributes_of(expression, NFTA_EXPR_MAX);
    const std::string name = parts[NFTA_EXPR_NAME] != nullptr ? nla_get_string(parts[NFTA_EXPR_NAME]) : "";
    if (name == "queue") {
        return "queued-to-process";
    }
    if (name == "target") {
        const nlattr* target = attributes_of(parts[NFTA_EXPR_DATA], NFTA_TARGET_MAX)[NFTA_TARGET_NAME];
        return target != nullptr ? cause_of_target(nla_get_string(target)) : "";
    }
    if (name == "objref") {
        const nlattr* type = attributes_of(parts[NFTA_EXPR_DATA], NFTA_OBJREF_MAX)[NFTA_OBJREF_IMM_TYPE];
        return type != nullptr && ntohl(nla_get_u32(type)) == NFT_OBJECT_CT_HELPER ? "connection-helper" : "";
    }
    return {};
}

void add_rules(nlmsghdr* message, std::vector<FirewallRule>& rules) {
    const Attributes attributes = attributes_of(message, sizeof(nfgenmsg), NFTA_RULE_MAX);
    if (attributes[NFTA_RULE_EXPRESSIONS] == nullptr || attributes[NFTA_RULE_TABLE] == nullptr) {
        return;
    }
    int rest = 0;
    nlattr* expression = nullptr;
    nla_for_each_nested(expression, attributes[NFTA_RULE_EXPRESSIONS], rest) {
        FirewallRule rule{cause_of(expression), nla_get_string(attributes[NFTA_RULE_TABLE])};
        if (!rule.cause.empty() && std::find(rules.begin(), rules.end(), rule) == rules.end()) {
            rules.push_back(std::move(rule));
        }
    }
}

bool covers(const xfrm_address_t& network, unsigned bits, int family, const std::string& address) {
    std::array<unsigned char, 16> bytes{};
    if (bits == 0) {
        return true;
    }
    if (::inet_pton(family, address.c_str(), bytes.data()) != 1) {
        return false;
    }
    const auto* prefix = reinterpret_cast<const unsigned char*>(&network);
    const unsigned whole = bits / 8;
    const unsigned mask = 0xff00U >> (bits % 8) & 0xffU;
    return std::memcmp(prefix, bytes.data(), whole) == 0 && (mask == 0 || ((prefix[whole] ^ bytes[whole]) & mask) == 0);
}

bool protects(nlmsghdr* message, int family, const Route& route, const std::string& address) {
    const auto* policy = static_cast<const xfrm_userpolicy_info*>(nlmsg_data(message));
    const Attributes attributes = attributes_of(message, sizeof *policy, XFRMA_MAX);
    const xfrm_selector& selector = policy->sel;
    return policy->dir == XFRM_POLICY_OUT && policy->action == XFRM_POLICY_ALLOW && attributes[XFRMA_TMPL] != nullptr &&
           (selector.family == AF_UNSPEC || selector.family == family) &&
           covers(selector.daddr, selector.prefixlen_d, family, address) &&
           (route.source.empty() || covers(selector.saddr, selector.prefixlen_s, family, route.source)) &&
           (selector.proto == 0 || selector.proto == IPPROTO_TCP);
}

}  // namespace

const std::vector<FirewallRule>& Room::firewall() {
    if (firewall_) {
        return *firewall_;
    }
    firewall_.emplace();
    (void)run([&]() -> Result<void> {
        const netns::Socket socket = connect_to(NETLINK_NETFILTER);
        const nfgenmsg header{AF_UNSPEC, NFNETLINK_V0, 0};
        const Message message = question((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE, NLM_F_DUMP, header);
        if (socket) {  // else the kernel has no netfilter
            (void)ask(socket.get(), message.get(), [&](nlmsghdr* answer) { add_rules(answer, *firewall_); });
        }
        return {};
    });
    return *firewall_;
}

bool Room::has_unread_firewall() const {
    bool has = false;
    (void)run([&]() -> Result<void> {
        for (const char* names : {"ip_tables_names", "ip6_tables_names"}) {
            has = has || !trim(read_file(std::string("/proc/thread-self/net/") + names).value_or("")).empty();
        }
        return {};
    });
    return has;
}

bool Room::is_protected(int family, const Route& route, const std::string& address) const {
    bool found = false;
    (void)run([&]() -> Result<void> {
        const netns::Socket socket = connect_to(NETLINK_XFRM);
        const Message message = question(XFRM_MSG_GETPOLICY, NLM_F_DUMP, xfrm_userpolicy_id{});
        if (socket) {  // else the kernel has no IPsec
            (void)ask(socket.get(), message.get(),
                      [&](nlmsghdr* answer) { found = found || protects(answer, family, route, address); });
        }
        return {};
    });
    return found;
}

}  // namespace netio::predict
