// SPDX-License-Identifier: MIT
#pragma once

#include "netns/link.h"
#include "provoke/helper.h"

namespace netio::provoke {

// Joins two namespaces by two tap devices and a process named netio-cable that carries every frame from one to the
// other, as a virtual machine monitor or a VPN does. The devices take packets in pieces, unsegmented and without
// checksums (TUNSETOFFLOAD). They end with the process. Errors: ExitCode::privilege where the kernel has no
// /dev/net/tun.
Result<Helper> join_by_taps(const netns::LinkEnd& a, const netns::LinkEnd& b);

}  // namespace netio::provoke
