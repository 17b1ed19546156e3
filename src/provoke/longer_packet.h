// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

namespace netio::provoke {

// Makes a packet longer by 4 bytes of TCP options that say nothing, and computes its checksums (RFC 791, RFC 9293).
// False, and the packet as it was: it is none of TCP over IPv4 with payload, or has no room for more options.
bool lengthen(std::vector<std::uint8_t>& packet);

}  // namespace netio::provoke
