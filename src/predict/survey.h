// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "netns/netns.h"
#include "predict/facts.h"

namespace netio::predict {

// "10.99.0.2", "10.99.0.2:5001", "fd00:11::2", "[fd00:11::2]:5001". Error: ExitCode::usage.
Result<Target> parse_target(const std::string& text);

// The namespace that `--netns` names: a process's number, or a file as Namespace::at_path takes it.
Result<netns::Namespace> find_namespace(const std::string& word);

// The address that `from` would send to `address` from: where its own answers go. Error: there is no route.
Result<std::string> source_address(const netns::Namespace& from, const std::string& address);

struct Sender {
    netns::Namespace ns;
    pid_t process = 0;  // whose limits hold; 0: this process
};

// Follows the way from the sender to the target as far as it leads on this machine: routes, devices and their features,
// XDP, filters, packet sockets, the other ends of cables and tunnels, and what bounds the call. Changes nothing and
// sends nothing. What may not be looked at without root is among Facts::unknown. Errors: no route (ExitCode::usage),
// and a namespace that may not be entered (ExitCode::privilege).
Result<Facts> survey(Sender sender, const Target& target);

}  // namespace netio::predict
