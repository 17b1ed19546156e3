// SPDX-License-Identifier: MIT
#include "netns/device.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace netio::netns {

namespace {

struct Commands {
    std::uint32_t get;
    std::uint32_t set;
};

Commands commands_of(Offload feature) {
    switch (feature) {
        case Offload::scatter_gather:
            return {ETHTOOL_GSG, ETHTOOL_SSG};
        case Offload::transmit_checksum:
            return {ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM};
        case Offload::segmentation:
            return {ETHTOOL_GTSO, ETHTOOL_STSO};
    }
    return {};
}

Unexpected ioctl_error(std::string what, int error_number) {
    switch (error_number) {
        case EPERM:
            return fail_errno(std::move(what), error_number, "configuring devices needs CAP_NET_ADMIN; try sudo",
                              ExitCode::privilege);
        case EOPNOTSUPP:
            return fail_errno(std::move(what), error_number, "use another device: this one has it fixed",
                              ExitCode::privilege);
        case ENODEV:
            return fail_errno(std::move(what), error_number, "check the name of the device");
        default:
            return fail_errno(std::move(what), error_number);
    }
}

// One ethtool request with a number as argument and answer, inside the namespace (netdevice(7), linux/ethtool.h).
Result<std::uint32_t> ethtool(const Namespace& ns, const std::string& device, ethtool_value value,
                              const std::string& what) {
    if (auto name = check_device_name(device); !name) {
        return Unexpected(name.error());
    }
    auto ran = ns.run([&]() -> Result<void> {
        const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!socket.valid()) {
            return fail_errno("cannot open a socket", errno);
        }
        ifreq request{};
        device.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(&value);
        if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) {
            return ioctl_error(what, errno);
        }
        return {};
    });
    if (!ran) {
        return Unexpected(ran.error());
    }
    return value.data;
}

}  // namespace

Result<void> check_device_name(const std::string& name) {
    const bool valid = !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
                       name.find_first_of("/: \t\n\v\f\r") == std::string::npos && name.find('\0') == std::string::npos;
    if (!valid) {
        return fail(fmt::format("'{}' cannot be the name of a device", name), "the kernel would refuse it",
                    "use 1 to 15 characters without '/', ':' and spaces", ExitCode::usage);
    }
    return {};
}

Result<bool> offload(const Namespace& ns, const std::string& device, Offload feature) {
    const std::string what = fmt::format("cannot read {} of device {}", to_string(feature), device);
    return ethtool(ns, device, {commands_of(feature).get, 0}, what).map([](std::uint32_t data) { return data != 0; });
}

Result<void> set_offload(const Namespace& ns, const std::string& device, Offload feature, bool on) {
    const std::string_view state = on ? "on" : "off";
    const std::string what = fmt::format("cannot switch {} of device {} {}", to_string(feature), device, state);
    if (auto set = ethtool(ns, device, {commands_of(feature).set, on ? 1U : 0U}, what); !set) {
        return Unexpected(set.error());
    }
    auto now = offload(ns, device, feature);
    if (!now) {
        return Unexpected(now.error());
    }
    if (*now != on) {
        return fail(what, "the kernel accepted it and did not do it",
                    on ? "switch on what it depends on first (segmentation needs scatter-gather and transmit-checksum)"
                       : "switch off what depends on it first");
    }
    return {};
}

}  // namespace netio::netns
