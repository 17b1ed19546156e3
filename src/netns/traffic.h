// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.h"
#include "netns/netns.h"

// Traffic control of a device in a private namespace (tc(8)).

namespace netio::netns {

// Which packets of the device a filter sees: those that it is about to send, or those that it received.
enum class Hook : std::uint8_t { egress, ingress };

// Attaches a loaded program of type BPF_PROG_TYPE_SCHED_CLS that decides what becomes of each packet (tc-bpf(8), direct
// action). The program stays attached as long as the device exists. Errors: ExitCode::privilege where the kernel lacks
// the qdisc clsact or the classifier bpf.
Result<void> attach_filter(const Namespace& ns, const std::string& device, Hook hook, int program,
                           const std::string& name);

// The network emulator as root qdisc of a device (tc-netem(8)).
struct Emulation {
    int corrupt_percent = 0;
    int delay_us = 0;
};
// Errors: ExitCode::privilege where the kernel lacks the qdisc netem.
Result<void> emulate(const Namespace& ns, const std::string& device, const Emulation& emulation);

}  // namespace netio::netns
