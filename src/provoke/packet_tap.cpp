// SPDX-License-Identifier: MIT
#include "provoke/packet_tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace netio::provoke {

Result<Helper> open_packet_tap(const netns::Namespace& ns) {
    const auto open = [&ns]() -> int {
        if (!ns.enter()) {
            return EPERM;
        }
        return ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)) < 0 ? errno : 0;
    };
    const auto wait = [] {
        while (true) {
            ::pause();
        }
    };
    return Helper::start("netio-tap", "cannot open a packet socket in a namespace of the run", open, wait);
}

}  // namespace netio::provoke
