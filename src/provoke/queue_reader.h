// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "netns/netns.h"
#include "provoke/helper.h"

namespace netio::provoke {

// A process named netio-queue that a firewall's rule of this namespace may give packets to by that number
// (netns::queue_to_process). It gets whole packets, as an intrusion prevention system does, and lets every one pass. As
// most of these it does not take packets before segmentation (NFQA_CFG_F_GSO). Errors: ExitCode::privilege where the
// kernel has no nfnetlink_queue.
Result<Helper> read_queue(const netns::Namespace& ns, std::uint16_t number);

}  // namespace netio::provoke
