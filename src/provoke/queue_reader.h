// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "netns/netns.h"
#include "provoke/helper.h"

namespace netio::provoke {

// What becomes of the packets in a queue.
enum class Handling : std::uint8_t {
    pass,      // as they are, cut up before: like most programs this one does not take packets before segmentation
    lengthen,  // with options added that say nothing, where no device is to cut the packet up (NFQA_CFG_F_GSO)
};

// A process named netio-queue that a firewall's rule of this namespace may give packets to by that number
// (netns::queue_to_process). It gets whole packets, as an intrusion prevention system does, and lets every one pass.
// Errors: ExitCode::privilege where the kernel has no nfnetlink_queue.
Result<Helper> read_queue(const netns::Namespace& ns, std::uint16_t number, Handling handling);

}  // namespace netio::provoke
