// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/root.h"
#include "model/capture.h"

namespace netio::kernel {

// Every packet socket that receives in the network namespace of process (or thread) `in_namespace_of`
// (proc/<pid>/net/packet, packet(7)), with the process that holds it. A socket of protocol "all" gets a clone of each
// packet sent and received, and a zero-copy packet is copied for the clone (dev_queue_xmit_nit, deliver_skb); one of a
// single EtherType sees received packets only. Sockets that are not hooked in (protocol 0, R = 0) are left out, for
// they get nothing. A device's name is "ifindex N" where the namespace does not tell it. Where several processes hold
// the socket, the one with the lowest pid is named; where none can be seen, pid is 0. `namespace_label` becomes
// TapFacts::namespace_of. Errors: no such process, or not permitted to look. Processes that end meanwhile are no error.
Result<std::vector<model::TapFacts>> find_taps(const Root& root, pid_t in_namespace_of, std::string namespace_label);

}  // namespace netio::kernel
