// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/symbols.h"
#include "model/capture.h"
#include "netio_abi.h"

// Bytes from the BPF maps -> facts of the model. Pure: tested without a kernel.

namespace netio::probes {

// "10.0.0.1:5001", "[fd00::1]:5001"
std::string spell_address(std::uint8_t family, const std::uint8_t (&address)[16], std::uint16_t port);

model::SocketFacts decode_socket(std::uint32_t slot, const netio_socket& socket, model::Role role);

// Sums of all CPUs, one tally per site; sites without calls are left out.
std::map<model::Site, model::Tally> decode_sites(const std::vector<std::vector<netio_tally>>& per_cpu);

model::DeviceFacts decode_device(std::uint64_t key, const netio_device& device);

// Function names from the copying function outwards. Frames inside it (allocators, trampolines, BPF) are left out; a
// copying function that the unwinder did not show is put first, as the key names it.
std::vector<std::string> decode_stack(const netio_event& event, const kernel::Symbols* symbols);

model::LateCopyFacts decode_late_copy(const netio_late_key& key, const netio_late_value& value,
                                      std::vector<std::string> stack);

// What builds packets for XDP, newest name first: Linux 6.8, 5.18, 5.10, where it may be inlined into what polls.
inline constexpr std::array<std::string_view, 5> packet_builders{"skb_pp_cow_data", "veth_convert_skb_to_xdp_buff",
                                                                 "veth_xdp_rcv_skb", "veth_xdp_rcv", "veth_poll"};

// The kernel function that a copier number stands for; empty for an unknown one.
std::string_view copier_name(std::uint8_t copier);

}  // namespace netio::probes
