// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "netns/link.h"
#include "netns/netns.h"

// Devices and settings beyond a veth pair. All of them live in private namespaces and end with these. Errors of all
// functions: ExitCode::privilege without CAP_NET_ADMIN or where the kernel lacks the kind of device, and the kernel's
// own.

namespace netio::netns {

// A device that shares the cable of `lower`, a device of `home`, and lives in the namespace of `end`. In "bridge" mode
// (macvlan) and "l2" mode (ipvlan) such devices reach each other without leaving the machine.
enum class Sharing : std::uint8_t { macvlan, ipvlan };
Result<void> share_device(Sharing kind, const Namespace& home, const std::string& lower, const LinkEnd& end);

// A bridge of these devices, all of one namespace.
Result<void> make_bridge(const Namespace& ns, const std::string& name, const std::vector<std::string>& members);

// A point-to-point tunnel from the address `local` of the device `lower`, in the same namespace, to `remote`: VXLAN
// (RFC 7348), IP-in-IP (RFC 2003) or GRE (RFC 2784).
enum class Wrapping : std::uint8_t { vxlan, ipip, gre };
struct Tunnel {
    LinkEnd end;
    std::string lower;
    std::string local;
    std::string remote;
};
Result<void> make_tunnel(Wrapping kind, const Tunnel& tunnel);

// A device of a kind that needs nothing to be made ("wireguard", "ifb").
Result<void> make_device(const Namespace& ns, const std::string& name, const std::string& kind);

// The largest packet that a device sends, in bytes without its link header.
Result<void> set_mtu(const Namespace& ns, const std::string& device, unsigned bytes);

// Gives an existing device its address and sets it up.
Result<void> configure_device(const LinkEnd& end);
// Waits until the device is operational.
Result<void> await_device(const Namespace& ns, const std::string& device);

// A route to the network `destination` ("10.99.2.0/24") through the neighbour `gateway`.
Result<void> add_route(const Namespace& ns, const std::string& destination, const std::string& gateway);

// Writes a setting of this namespace alone: `name` is a path below /proc/sys/net, "ipv4/ip_forward". Error where the
// setting is not one of the namespace (it is then missing from its folder): ExitCode::privilege.
Result<void> write_setting(const Namespace& ns, const std::string& name, const std::string& value);

}  // namespace netio::netns
