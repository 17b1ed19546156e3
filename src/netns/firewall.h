// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/result.h"
#include "netns/netns.h"

// Rules of nftables in a private namespace (nft(8)). Errors of all functions: ExitCode::privilege without CAP_NET_ADMIN
// or where the kernel lacks nftables or what the rule needs.

namespace netio::netns {

// Lets the connection tracker's helper for SIP look into every TCP connection that comes in, whatever its port
// (`ct helper set`).
Result<void> track_as_sip(const Namespace& ns);
// Fills in the checksum of every outgoing packet that no device segments (iptables -j CHECKSUM --checksum-fill).
Result<void> fill_checksums(const Namespace& ns);
// Gives every packet that a socket sends to the process that reads the queue of that number (nft's `queue to NUMBER`);
// without such a process they are lost.
Result<void> queue_to_process(const Namespace& ns, std::uint16_t number);

}  // namespace netio::netns
