// SPDX-License-Identifier: MIT
#include "probes/decode.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/words.h"

namespace netio::probes {

namespace {

// Bits of net_device.features (include/linux/netdev_features.h); their positions have not changed since Linux 3.x.
constexpr std::uint64_t netif_f_sg = 1ULL << 0;
constexpr std::uint64_t netif_f_ip_csum = 1ULL << 1;
constexpr std::uint64_t netif_f_hw_csum = 1ULL << 3;
constexpr std::uint64_t netif_f_tso = 1ULL << 16;

constexpr std::uint32_t ipproto_mptcp = 262;

constexpr std::array<std::string_view, NETIO_COPIERS> copier_names{
    "",
    "skb_copy_ubufs",
    "__pskb_pull_tail",
    "skb_segment",
    "skb_copy",
    "skb_pp_cow_data",
    "pskb_expand_head",
    "skb_copy_expand",
    "swiotlb_map",
};

// A fixed-size field that need not end in a zero byte.
template <std::size_t N>
std::string text_of(const char (&field)[N]) {
    return {field, strnlen(field, N)};
}

bool is_copier(std::string_view function) {
    return !function.empty() && is_one_of(function, copier_names);
}

// The protocol that the calls of the socket speak: the one that stands first.
std::string protocol_of(const netio_socket& socket) {
    if (socket.protocol == ipproto_mptcp) {
        return "mptcp";
    }
    const std::string upper = text_of(socket.upper_layer);
    return !upper.empty() ? upper : socket.in_sockmap != 0 ? "sockmap" : "tcp";
}

}  // namespace

std::string_view copier_name(std::uint8_t copier) {
    return copier < copier_names.size() ? copier_names.at(copier) : std::string_view{};
}

std::string spell_address(std::uint8_t family, const std::uint8_t (&address)[16], std::uint16_t port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_ntop(family, address, text.data(), text.size()) == nullptr) {
        return "?";
    }
    const std::string host(text.data());
    return (family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

model::SocketFacts decode_socket(std::uint32_t slot, const netio_socket& socket, model::Role role) {
    model::SocketFacts facts;
    facts.slot = slot;
    facts.pid = static_cast<std::int32_t>(socket.tgid);
    facts.command = text_of(socket.comm);
    facts.role = role;
    facts.local = spell_address(socket.family, socket.local_address, socket.local_port);
    facts.remote = spell_address(socket.family, socket.remote_address, socket.remote_port);
    facts.netns = socket.netns;
    facts.protocol = protocol_of(socket);
    facts.option_memory_bytes = socket.option_memory;
    return facts;
}

std::map<model::Site, model::Tally> decode_sites(const std::vector<std::vector<netio_tally>>& per_cpu) {
    std::map<model::Site, model::Tally> sites;
    for (std::size_t site = 0; site < per_cpu.size(); ++site) {
        model::Tally sum;
        for (const netio_tally& tally : per_cpu[site]) {
            sum += model::Tally{tally.calls, tally.bytes};
        }
        if (sum.calls != 0 || sum.bytes != 0) {
            sites[static_cast<model::Site>(site)] = sum;
        }
    }
    return sites;
}

model::DeviceFacts decode_device(std::uint64_t key, const netio_device& device) {
    model::DeviceFacts facts;
    facts.key = key;
    facts.name = text_of(device.name);
    facts.kind = (device.flags & IFF_LOOPBACK) != 0 ? "loopback" : text_of(device.kind);
    facts.ifindex = device.ifindex;
    facts.netns = device.netns;
    facts.scatter_gather = (device.features & netif_f_sg) != 0;
    facts.checksum = (device.features & (netif_f_hw_csum | netif_f_ip_csum)) != 0;
    facts.segmentation = (device.features & netif_f_tso) != 0;
    return facts;
}

std::vector<std::string> decode_stack(const netio_event& event, const kernel::Symbols* symbols) {
    std::vector<std::string> functions;
    if (symbols == nullptr) {
        const std::string_view copier = copier_name(event.key.copier);
        return copier.empty() ? functions : std::vector<std::string>{std::string(copier)};
    }
    for (const std::uint64_t frame : event.frames) {
        if (frame == 0) {
            break;
        }
        const auto symbol = symbols->resolve_return(frame);
        functions.push_back(symbol ? symbol->name : "?");
    }
    const auto named = std::find_if(functions.begin(), functions.end(), [&](std::string_view function) {
        return function == copier_name(event.key.copier) ||
               (event.key.copier == NETIO_COPIER_COW_DATA && is_one_of(function, packet_builders));
    });
    const auto first = named != functions.end() ? named : std::find_if(functions.begin(), functions.end(), is_copier);
    if (first != functions.end()) {
        functions.erase(functions.begin(), first);
        return functions;
    }
    // A trampoline or probe hides the copying function itself.
    const auto caller = std::find_if(functions.begin(), functions.end(), [](const std::string& name) {
        return !name.starts_with("bpf_") && name != "?" && !name.starts_with("kprobe_") && !name.starts_with("ftrace_");
    });
    functions.erase(functions.begin(), caller);
    functions.insert(functions.begin(), std::string(copier_name(event.key.copier)));
    return functions;
}

model::LateCopyFacts decode_late_copy(const netio_late_key& key, const netio_late_value& value,
                                      std::vector<std::string> stack) {
    model::LateCopyFacts facts;
    facts.slot = key.slot;
    facts.device = key.device;
    facts.direction = static_cast<model::Direction>(key.direction);
    facts.copies = value.copies;
    facts.bytes = value.bytes;
    facts.pages = value.pages;
    facts.user_pages = key.user_pages != 0;
    facts.stack = std::move(stack);
    return facts;
}

}  // namespace netio::probes
