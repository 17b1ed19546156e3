// SPDX-License-Identifier: MIT
#pragma once

#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

// What the files of this module that configure devices share: owners of libnl's objects, and requests that turn its
// errors into ours. All of them speak to the namespace that the calling thread is in.

namespace netio::netns {

template <auto release>
struct Release {
    template <class T>
    void operator()(T* object) const {
        release(object);
    }
};
using Socket = std::unique_ptr<nl_sock, Release<nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, Release<rtnl_link_put>>;
using Address = std::unique_ptr<nl_addr, Release<nl_addr_put>>;
using DeviceAddress = std::unique_ptr<rtnl_addr, Release<rtnl_addr_put>>;

// The kernel's word for an error of libnl, which has numbers of its own.
std::string netlink_text(int code);
// ExitCode::privilege without CAP_NET_ADMIN, and where the kernel lacks the `module` that was asked for.
Unexpected netlink_error(std::string what, int code, const std::string& module = {});

Result<Socket> open_socket();
// "10.11.0.1/24" or "fd00:11::1/64". Error: ExitCode::usage.
Result<Address> parse_address(const std::string& text);
Result<Link> find_link(nl_sock* socket, const std::string& device);
Result<void> set_up(nl_sock* socket, rtnl_link* link);
// IPv6 addresses skip duplicate address detection.
Result<void> add_address(nl_sock* socket, rtnl_link* link, const std::string& text);

inline constexpr int patience_ms = 2000;
// Whether `reached` became true in time; the states waited for here take about a millisecond.
bool comes_true(const std::function<bool()>& reached);

}  // namespace netio::netns
