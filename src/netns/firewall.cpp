// SPDX-License-Identifier: MIT
#include "netns/firewall.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_CHECKSUM.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <netlink/errno.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "netns/generic_netlink.h"

namespace netio::netns {

namespace {

constexpr const char* chain_name = "netio";
constexpr const char* object_name = "netio";

// A set of changes that the kernel makes all or none of (nfnetlink_rcv_batch).
class Batch {
 public:
    Batch() {
        add(NFNL_MSG_BATCH_BEGIN, 0, htons(NFNL_SUBSYS_NFTABLES), [](nl_msg*) {});
    }

    template <class Fill>
    void add(nf_tables_msg_types type, Fill fill, int flags = 0) {
        add((NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_CREATE | flags, 0, fill);
    }
    // Returns libnl's code: of the first change that was refused, or 0.
    int commit(nl_sock* socket);

 private:
    void add(int type, int flags, std::uint16_t resource, const std::function<void(nl_msg*)>& fill);
    std::vector<char> bytes_;
};

void Batch::add(int type, int flags, std::uint16_t resource, const std::function<void(nl_msg*)>& fill) {
    const Message message(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
    nfgenmsg header{NFPROTO_IPV4, NFNETLINK_V0, resource};
    nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO);
    fill(message.get());
    const auto* begin = reinterpret_cast<const char*>(nlmsg_hdr(message.get()));
    bytes_.insert(bytes_.end(), begin, begin + NLMSG_ALIGN(nlmsg_hdr(message.get())->nlmsg_len));
}

// The kernel answers to what it refuses, and to the last change where that asks for it.
int Batch::commit(nl_sock* socket) {
    add(NFNL_MSG_BATCH_END, 0, htons(NFNL_SUBSYS_NFTABLES), [](nl_msg*) {});
    nl_socket_disable_seq_check(socket);
    const int sent = nl_sendto(socket, bytes_.data(), bytes_.size());
    return sent < 0 ? sent : nl_wait_for_ack(socket);
}

// All numbers of nftables are in network byte order.
void put_number(nl_msg* message, int type, std::uint32_t number) {
    nla_put_u32(message, type, htonl(number));
}

template <class Fill>
void put_nested(nl_msg* message, int type, Fill fill) {
    nlattr* nested = nla_nest_start(message, type);
    fill();
    nla_nest_end(message, nested);
}

void add_chain(Batch& batch, const char* table, std::uint32_t hook) {
    batch.add(NFT_MSG_NEWTABLE, [&](nl_msg* message) { nla_put_string(message, NFTA_TABLE_NAME, table); });
    batch.add(NFT_MSG_NEWCHAIN, [&](nl_msg* message) {
        nla_put_string(message, NFTA_CHAIN_TABLE, table);
        nla_put_string(message, NFTA_CHAIN_NAME, chain_name);
        put_nested(message, NFTA_CHAIN_HOOK, [&] {
            put_number(message, NFTA_HOOK_HOOKNUM, hook);
            put_number(message, NFTA_HOOK_PRIORITY, 0);
        });
        nla_put_string(message, NFTA_CHAIN_TYPE, "filter");
    });
}

// A rule of one expression.
void add_rule(Batch& batch, const char* table, const char* expression, const std::function<void(nl_msg*)>& fill) {
    const auto describe = [&](nl_msg* message) {
        nla_put_string(message, NFTA_RULE_TABLE, table);
        nla_put_string(message, NFTA_RULE_CHAIN, chain_name);
        put_nested(message, NFTA_RULE_EXPRESSIONS, [&] {
            put_nested(message, NFTA_LIST_ELEM, [&] {
                nla_put_string(message, NFTA_EXPR_NAME, expression);
                put_nested(message, NFTA_EXPR_DATA, [&] { fill(message); });
            });
        });
    };
    batch.add(NFT_MSG_NEWRULE, describe, NLM_F_APPEND | NLM_F_ACK);
}

// A rule of an extension of iptables, whose first revision all kernels have. `info`: a multiple of 8 bytes, as XT_ALIGN
// makes it.
template <class Info>
void add_target(Batch& batch, const char* table, const char* target, const Info& info) {
    static_assert(sizeof info % 8 == 0);
    add_rule(batch, table, "target", [&](nl_msg* message) {
        nla_put_string(message, NFTA_TARGET_NAME, target);
        put_number(message, NFTA_TARGET_REV, 0);
        nla_put(message, NFTA_TARGET_INFO, sizeof info, &info);
    });
}

Result<void> commit(const Namespace& ns, Batch& batch, const std::string& what, const std::string& module) {
    return ns.run([&]() -> Result<void> {
        const Socket socket(nl_socket_alloc());
        if (!socket) {
            return fail_errno("cannot open a netlink socket", ENOMEM);
        }
        int code = nl_connect(socket.get(), NETLINK_NETFILTER);
        code = code < 0 ? code : batch.commit(socket.get());
        return code < 0 ? Result<void>(netlink_error(what, code, module)) : Result<void>{};
    });
}

}  // namespace

Result<void> track_as_sip(const Namespace& ns) {
    Batch batch;
    add_chain(batch, "netio", NF_INET_LOCAL_IN);
    batch.add(NFT_MSG_NEWOBJ, [](nl_msg* message) {
        nla_put_string(message, NFTA_OBJ_TABLE, "netio");
        nla_put_string(message, NFTA_OBJ_NAME, object_name);
        put_number(message, NFTA_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
        put_nested(message, NFTA_OBJ_DATA, [&] {
            nla_put_string(message, NFTA_CT_HELPER_NAME, "sip");
            nla_put_u16(message, NFTA_CT_HELPER_L3PROTO, htons(NFPROTO_IPV4));
            nla_put_u8(message, NFTA_CT_HELPER_L4PROTO, IPPROTO_TCP);
        });
    });
    add_rule(batch, "netio", "objref", [](nl_msg* message) {
        put_number(message, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_CT_HELPER);
        nla_put_string(message, NFTA_OBJREF_IMM_NAME, object_name);
    });
    return commit(ns, batch, "cannot add a rule that sets a connection helper", "nf_conntrack_sip");
}

Result<void> fill_checksums(const Namespace& ns) {
    Batch batch;
    constexpr const char* table = "mangle";  // the only one that this target is for (checksum_tg_reg)
    add_chain(batch, table, NF_INET_POST_ROUTING);
    add_target(batch, table, "CHECKSUM", std::array<std::uint8_t, 8>{XT_CHECKSUM_OP_FILL});
    return commit(ns, batch, "cannot add a rule that fills in checksums", "xt_CHECKSUM");
}

// By the extension of iptables: not every kernel that has the queues has nftables' own word for them (nft_queue).
Result<void> queue_to_process(const Namespace& ns, std::uint16_t number) {
    struct alignas(8) {
        xt_NFQ_info rule;
    } info{{number}};
    Batch batch;
    add_chain(batch, "netio", NF_INET_LOCAL_OUT);
    add_target(batch, "netio", "NFQUEUE", info);
    return commit(ns, batch, "cannot add a rule that queues packets to a process", "xt_NFQUEUE");
}

}  // namespace netio::netns
