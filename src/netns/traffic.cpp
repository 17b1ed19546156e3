// SPDX-License-Identifier: MIT
#include "netns/traffic.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netlink/errno.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/netem.h>
#include <netlink/route/tc.h>

#include <cerrno>

#include "netns/generic_netlink.h"
#include "netns/netlink.h"

namespace netio::netns {

namespace {

using Qdisc = std::unique_ptr<rtnl_qdisc, Release<rtnl_qdisc_put>>;

constexpr std::uint32_t clsact_handle = TC_H_MAKE(0xFFFF0000U, 0);
constexpr std::uint32_t priority = 1;

Result<int> index_of(nl_sock* socket, const std::string& device) {
    return find_link(socket, device).map([](const Link& link) { return rtnl_link_get_ifindex(link.get()); });
}

// libnl's classes know neither clsact nor the classifier bpf, so both messages are put together here.
Result<void> add_clsact(nl_sock* socket, int ifindex, const std::string& device) {
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = ifindex;
    header.tcm_parent = TC_H_CLSACT;
    header.tcm_handle = clsact_handle;
    const Message message = make_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
    nla_put_string(message.get(), TCA_KIND, "clsact");
    const int code = submit(socket, message.get());
    if (code < 0 && code != -NLE_EXIST) {
        return netlink_error(fmt::format("cannot add the qdisc clsact to {}", device), code, "sch_ingress");
    }
    return {};
}

Message filter_message(int ifindex, Hook hook, int program, const std::string& name) {
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = ifindex;
    header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook == Hook::egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
    header.tcm_info = TC_H_MAKE(priority << 16, htons(ETH_P_ALL));
    Message message = make_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
    nla_put_string(message.get(), TCA_KIND, "bpf");
    nlattr* options = nla_nest_start(message.get(), TCA_OPTIONS);
    nla_put_u32(message.get(), TCA_BPF_FD, static_cast<std::uint32_t>(program));
    nla_put_string(message.get(), TCA_BPF_NAME, name.c_str());
    nla_put_u32(message.get(), TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
    nla_nest_end(message.get(), options);
    return message;
}

Result<void> add_filter(nl_sock* socket, const std::string& device, Hook hook, int program, const std::string& name) {
    auto ifindex = index_of(socket, device);
    if (!ifindex) {
        return Unexpected(ifindex.error());
    }
    if (auto added = add_clsact(socket, *ifindex, device); !added) {
        return added;
    }
    const Message message = filter_message(*ifindex, hook, program, name);
    if (const int code = submit(socket, message.get()); code < 0) {
        return netlink_error(fmt::format("cannot attach the program {} to {}", name, device), code, "cls_bpf");
    }
    return {};
}

Result<void> add_netem(nl_sock* socket, const std::string& device, const Emulation& emulation) {
    auto ifindex = index_of(socket, device);
    if (!ifindex) {
        return Unexpected(ifindex.error());
    }
    const Qdisc qdisc(rtnl_qdisc_alloc());
    rtnl_tc_set_ifindex(TC_CAST(qdisc.get()), *ifindex);
    rtnl_tc_set_parent(TC_CAST(qdisc.get()), TC_H_ROOT);
    rtnl_tc_set_kind(TC_CAST(qdisc.get()), "netem");
    rtnl_netem_set_limit(qdisc.get(), 10000);
    rtnl_netem_set_delay(qdisc.get(), emulation.delay_us);
    rtnl_netem_set_corruption_probability(
        qdisc.get(), static_cast<int>(static_cast<std::int64_t>(UINT32_MAX) * emulation.corrupt_percent / 100));
    if (const int code = rtnl_qdisc_add(socket, qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE); code < 0) {
        return netlink_error(fmt::format("cannot add the qdisc netem to {}", device), code, "sch_netem");
    }
    return {};
}

}  // namespace

Result<void> attach_filter(const Namespace& ns, const std::string& device, Hook hook, int program,
                           const std::string& name) {
    return ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        return socket ? add_filter(socket->get(), device, hook, program, name) : Unexpected(socket.error());
    });
}

Result<void> emulate(const Namespace& ns, const std::string& device, const Emulation& emulation) {
    return ns.run([&]() -> Result<void> {
        auto socket = open_socket();
        return socket ? add_netem(socket->get(), device, emulation) : Unexpected(socket.error());
    });
}

}  // namespace netio::netns
