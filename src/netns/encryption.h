// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.h"
#include "netns/netns.h"
#include "netns/topology.h"

// Encryption between two ends that a cable joins already. The keys are the same in every run: what is encrypted is no
// secret, and never leaves the machine. Errors of all functions: ExitCode::privilege without CAP_NET_ADMIN or where the
// kernel lacks the protocol or its cipher.

namespace netio::netns {

// Two WireGuard devices that speak with each other over UDP, and have their addresses when this returns. `lower` is not
// used: WireGuard asks the routes.
Result<void> make_wireguard(const Tunnel& a, const Tunnel& b);

// Two MACsec devices (IEEE 802.1AE) on top of the `lower` ones, that encrypt by GCM-AES-128.
Result<void> make_macsec(const Tunnel& a, const Tunnel& b);

// ESP in transport mode (RFC 4303, rfc4106(gcm(aes))) for everything between the addresses `local` and `remote`.
Result<void> protect_by_ipsec(const Namespace& ns, const std::string& local, const std::string& remote);

}  // namespace netio::netns
