// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.h"
#include "netns/netns.h"

namespace netio::netns {

// One end of a virtual cable.
struct LinkEnd {
    const Namespace& ns;
    std::string device;   // at most 15 characters (IFNAMSIZ)
    std::string address;  // with prefix length: "10.11.0.1/24" or "fd00:11::1/64"
};

// Whether `text` is an IPv4 or IPv6 address with prefix length. Error: ExitCode::usage.
Result<void> check_address(const std::string& text);

// Sets "lo" up; the kernel then assigns 127.0.0.1 and ::1 itself.
Result<void> loopback_up(const Namespace& ns);

// Joins two namespaces by a veth pair (veth(4)) with addresses, both ends up and ready to send when this returns. The
// devices are created where they belong (IFLA_NET_NS_FD of the peer), so that neither name ever appears on the host.
// IPv6 addresses skip duplicate address detection and are usable at once. On an error no device is left. Errors:
// ExitCode::usage for a bad name or address, ExitCode::privilege without CAP_NET_ADMIN, and the kernel's own.
Result<void> make_veth(const LinkEnd& a, const LinkEnd& b, unsigned mtu = 1500);

}  // namespace netio::netns
