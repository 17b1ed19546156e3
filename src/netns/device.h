// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/vocabulary.h"
#include "netns/netns.h"

namespace netio::netns {

// What a device may do in place of the network stack when it sends.
enum class Offload : std::uint8_t { scatter_gather, transmit_checksum, segmentation };
inline constexpr std::array<model::Name<Offload>, 3> offload_names{{
    {Offload::scatter_gather, "scatter-gather"},        // NETIF_F_SG: take a packet in several pieces
    {Offload::transmit_checksum, "transmit-checksum"},  // NETIF_F_CSUM_MASK
    {Offload::segmentation, "segmentation"},            // NETIF_F_ALL_TSO
}};
constexpr std::string_view to_string(Offload v) {
    return model::name_in(offload_names, v);
}

// Whether `name` can be a device's: 1 to 15 characters without '/', ':' and white space (dev_valid_name).
Result<void> check_device_name(const std::string& name);

// Whether the offload is active now. Errors: no such device, ...
Result<bool> offload(const Namespace& ns, const std::string& device, Offload feature);

// Switches the offload and reads it back. The kernel couples them (netdev_fix_features): without scatter-gather there
// is no segmentation. Errors: ExitCode::privilege without CAP_NET_ADMIN or where the device's setting is fixed; an
// offload that the kernel accepted and yet did not switch.
Result<void> set_offload(const Namespace& ns, const std::string& device, Offload feature, bool on);

}  // namespace netio::netns
