// SPDX-License-Identifier: MIT
#pragma once

#include "netns/netns.h"
#include "provoke/helper.h"

namespace netio::provoke {

// A process named netio-tap that holds a packet socket for all protocols in a namespace and reads nothing: what a
// sniffer is to the kernel (packet(7)).
Result<Helper> open_packet_tap(const netns::Namespace& ns);

}  // namespace netio::provoke
