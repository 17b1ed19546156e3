// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel/taps.h"
#include "predict/query.h"
#include "predict/world.h"

// What looks at packets, or changes them, on their way through a namespace.

namespace netio::predict {

namespace {

// The share of packets that a netem qdisc corrupts. Its options begin with a struct, and attributes follow.
double corrupted_by(nlmsghdr* message, std::uint32_t index) {
    const auto* header = static_cast<const tcmsg*>(nlmsg_data(message));
    const Attributes attributes = attributes_of(message, sizeof *header, TCA_MAX);
    const bool netem = attributes[TCA_KIND] != nullptr && nla_strcmp(attributes[TCA_KIND], "netem") == 0;
    nlattr* options = attributes[TCA_OPTIONS];
    const int fixed = NLA_ALIGN(static_cast<int>(sizeof(tc_netem_qopt)));
    if (static_cast<std::uint32_t>(header->tcm_ifindex) != index || !netem || options == nullptr ||
        nla_len(options) < fixed) {
        return 0;
    }
    auto* first = reinterpret_cast<nlattr*>(static_cast<char*>(nla_data(options)) + fixed);
    const nlattr* corrupt = nla_find(first, nla_len(options) - fixed, TCA_NETEM_CORRUPT);
    if (corrupt == nullptr) {
        return 0;
    }
    const auto* chance = static_cast<const tc_netem_corrupt*>(nla_data(corrupt));
    return static_cast<double>(chance->probability) / static_cast<double>(UINT32_MAX);
}

// "netio_pull" of a BPF program, "flower" of another filter. The kernel tells of the empty heads of its lists as well.
std::string filter_name(nlmsghdr* message) {
    const auto* header = static_cast<const tcmsg*>(nlmsg_data(message));
    const Attributes attributes = attributes_of(message, sizeof *header, TCA_MAX);
    if (attributes[TCA_KIND] == nullptr || header->tcm_handle == 0) {
        return {};
    }
    const std::string kind = nla_get_string(attributes[TCA_KIND]);
    const nlattr* name = kind == "bpf" ? attributes_of(attributes[TCA_OPTIONS], TCA_BPF_MAX)[TCA_BPF_NAME] : nullptr;
    return name != nullptr ? nla_get_string(name) : kind;
}

// bpf(2), BPF_PROG_QUERY, as Linux 6.6 has it: the programs that a device has by tcx, which rtnetlink does not tell of.
struct ProgramQuery {
    std::uint32_t index;
    std::uint32_t hook;
    std::uint32_t query_flags;
    std::uint32_t attach_flags;
    std::uint64_t ids;
    std::uint32_t count;
    std::uint32_t reserved;
    std::array<std::uint64_t, 4> unused;
};

// Nothing on older kernels, and without CAP_NET_ADMIN.
std::vector<std::string> tcx_programs(std::uint32_t index, bool outgoing) {
    constexpr int program_query = 16;
    constexpr std::uint32_t tcx_ingress = 46;
    constexpr std::uint32_t tcx_egress = 47;
    std::array<std::uint32_t, 64> ids{};  // a hook has no room for more (BPF_MPROG_MAX)
    ProgramQuery query{};
    query.index = index;
    query.hook = outgoing ? tcx_egress : tcx_ingress;
    query.ids = reinterpret_cast<std::uintptr_t>(ids.data());
    query.count = ids.size();
    std::vector<std::string> names;
    if (::syscall(SYS_bpf, program_query, &query, sizeof query) == 0) {
        for (std::uint32_t i = 0; i < query.count; ++i) {
            names.push_back(fmt::format("BPF program {}", ids.at(i)));
        }
    }
    return names;
}

}  // namespace

double Room::corrupted(std::uint32_t index) {
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(index);
    const Message message = question(RTM_GETQDISC, NLM_F_DUMP, header);
    double share = 0;
    (void)ask(socket_.get(), message.get(),
              [&](nlmsghdr* answer) { share = std::max(share, corrupted_by(answer, index)); });
    return share;
}

std::vector<std::string> Room::filters(std::uint32_t index, bool outgoing) {
    tcmsg header{};
    header.tcm_ifindex = static_cast<int>(index);
    header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, outgoing ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
    const Message message = question(RTM_GETTFILTER, NLM_F_DUMP, header);
    std::vector<std::string> names;
    (void)run([&]() -> Result<void> {
        names = tcx_programs(index, outgoing);
        return {};
    });
    (void)ask(socket_.get(), message.get(), [&](nlmsghdr* answer) {
        const std::string name = filter_name(answer);
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(name);
        }
    });
    return names;
}

std::vector<model::TapFacts> Room::taps() const {
    std::vector<model::TapFacts> taps;
    (void)run([&]() -> Result<void> {
        // A thread's own files tell of the namespace that the thread is in, which no process need be in.
        auto found = kernel::find_taps(kernel::Root{}, ::gettid(), place_.name);
        if (found) {
            std::copy_if(found->begin(), found->end(), std::back_inserter(taps),
                         [](const model::TapFacts& tap) { return tap.protocol == "all"; });
        }
        return {};
    });
    return taps;
}

}  // namespace netio::predict
