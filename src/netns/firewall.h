// SPDX-License-Identifier: MIT
#pragma once

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

}  // namespace netio::netns
