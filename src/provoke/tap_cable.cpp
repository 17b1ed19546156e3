// SPDX-License-Identifier: MIT
#include "provoke/tap_cable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/fd.h"
#include "netns/device.h"
#include "netns/topology.h"

namespace netio::provoke {

namespace {

constexpr std::size_t longest_frame = 65536 + 1024;  // a packet before segmentation, with its headers

Result<Fd> make_tap(const netns::LinkEnd& end) {
    if (auto name = netns::check_device_name(end.device); !name) {
        return Unexpected(name.error());
    }
    Fd fd;
    auto made = end.ns.run([&]() -> Result<void> {
        fd.reset(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
        if (!fd.valid()) {
            return fail_errno("cannot open /dev/net/tun", errno, "load the module: sudo modprobe tun",
                              ExitCode::privilege);
        }
        ifreq request{};
        end.device.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
        request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
        const unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        if (::ioctl(fd.get(), TUNSETIFF, &request) != 0 || ::ioctl(fd.get(), TUNSETOFFLOAD, offloads) != 0) {
            return fail_errno(fmt::format("cannot make the tap device {}", end.device), errno,
                              "it needs CAP_NET_ADMIN: sudo", ExitCode::privilege);
        }
        return {};
    });
    if (!made) {
        return Unexpected(made.error());
    }
    return fd;
}

// A frame that the other side has no room for is lost, as on any cable.
void carry(int from, int to, std::vector<char>& frame) {
    for (ssize_t got = 0; (got = ::read(from, frame.data(), frame.size())) > 0;) {
        [[maybe_unused]] const ssize_t put = ::write(to, frame.data(), static_cast<std::size_t>(got));
    }
}

[[noreturn]] void carry_for_ever(int a, int b) {
    std::vector<char> frame(longest_frame);
    std::array<pollfd, 2> ends{{{a, POLLIN, 0}, {b, POLLIN, 0}}};
    while (true) {
        ::poll(ends.data(), ends.size(), -1);
        carry(a, b, frame);
        carry(b, a, frame);
    }
}

}  // namespace

Result<Helper> join_by_taps(const netns::LinkEnd& a, const netns::LinkEnd& b) {
    auto one = make_tap(a);
    auto other = one ? make_tap(b) : Result<Fd>(Unexpected(one.error()));
    if (!other) {
        return Unexpected(other.error());
    }
    auto helper = Helper::start(
        "netio-cable", "cannot carry frames between tap devices", [] { return 0; },
        [&] { carry_for_ever(one->get(), other->get()); });
    if (!helper) {
        return helper;
    }
    for (const netns::LinkEnd* end : {&a, &b}) {
        auto ready = netns::configure_device(*end).and_then([&] { return netns::await_device(end->ns, end->device); });
        if (!ready) {
            return Unexpected(ready.error());
        }
    }
    return helper;
}

}  // namespace netio::provoke
