// SPDX-License-Identifier: MIT
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <set>

#include "predict/world.h"

// What a device can do, by the names that ethtool(8) shows: no privilege is needed to ask (dev_ethtool).

namespace netio::predict {

namespace {

bool ethtool(const Fd& socket, const std::string& device, void* request) {
    ifreq asked{};
    device.copy(static_cast<char*>(asked.ifr_name), IFNAMSIZ - 1);
    asked.ifr_data = static_cast<char*>(request);
    return ::ioctl(socket.get(), SIOCETHTOOL, &asked) == 0;
}

// A request that ends in an array, which C++ has no type for.
template <class Header>
class Request {
 public:
    Request(std::uint32_t command, std::size_t array_bytes) : words_((sizeof(Header) + array_bytes) / 4 + 1) {
        header()->cmd = command;
    }
    Header* header() { return reinterpret_cast<Header*>(words_.data()); }
    const char* array() const { return reinterpret_cast<const char*>(words_.data()) + sizeof(Header); }

 private:
    std::vector<std::uint32_t> words_;
};

std::uint32_t count_features(const Fd& socket, const std::string& device) {
    Request<ethtool_sset_info> request(ETHTOOL_GSSET_INFO, sizeof(std::uint32_t));
    request.header()->sset_mask = 1ULL << ETH_SS_FEATURES;
    std::uint32_t count = 0;
    if (ethtool(socket, device, request.header()) && request.header()->sset_mask != 0) {
        std::memcpy(&count, request.array(), sizeof count);
    }
    return count;
}

// Names of the features that are on; empty: the device does not say.
std::set<std::string> features_on(const Fd& socket, const std::string& device) {
    const std::uint32_t count = count_features(socket, device);
    const std::uint32_t blocks = (count + 31) / 32;
    Request<ethtool_gstrings> names(ETHTOOL_GSTRINGS, std::size_t{count} * ETH_GSTRING_LEN);
    names.header()->string_set = ETH_SS_FEATURES;
    names.header()->len = count;
    Request<ethtool_gfeatures> states(ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block));
    states.header()->size = blocks;
    std::set<std::string> on;
    if (count == 0 || !ethtool(socket, device, names.header()) || !ethtool(socket, device, states.header())) {
        return on;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        ethtool_get_features_block block{};
        std::memcpy(&block, states.array() + (i / 32) * sizeof block, sizeof block);
        if ((block.active >> (i % 32) & 1U) != 0) {
            const char* name = names.array() + std::size_t{i} * ETH_GSTRING_LEN;
            on.emplace(name, ::strnlen(name, ETH_GSTRING_LEN));
        }
    }
    return on;
}

}  // namespace

Features Room::features(const Device& device, int family) const {
    const std::set<std::string> on = features_on(datagram_, device.name);
    const bool six = family == AF_INET6;
    Features features;
    features.known = !on.empty();
    features.scatter_gather = on.contains("tx-scatter-gather");
    features.checksum =
        on.contains("tx-checksum-ip-generic") || on.contains(six ? "tx-checksum-ipv6" : "tx-checksum-ipv4");
    features.segmentation = on.contains(six ? "tx-tcp6-segmentation" : "tx-tcp-segmentation");
    features.tunnel = on.contains("tx-udp_tnl-segmentation") && on.contains("tx-udp_tnl-csum-segmentation");
    features.ipsec = on.contains("esp-hw-offload");
    return features;
}

std::string Room::driver(const Device& device) const {
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    const char* name = static_cast<const char*>(info.driver);
    return ethtool(datagram_, device.name, &info) ? std::string(name, ::strnlen(name, sizeof info.driver)) : "";
}

}  // namespace netio::predict
