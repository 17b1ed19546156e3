// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "provoke/helper.h"
#include "provoke/network.h"

// Scenarios that bring a cause of copying about, in namespaces of the run's own, so that what the tool says of it can
// be checked. Nothing outside of these namespaces and of the run's own processes is touched, and all of it ends with
// them.

namespace netio::provoke {

// What a scenario changes in the workload.
struct Workload {
    bool skip_opt_in = false;            // the server sends with MSG_ZEROCOPY without having set SO_ZEROCOPY
    bool secret_memory = false;          // the server's messages lie in memory that the kernel cannot pin
    bool late_completions = false;       // the server reads its completions only when it cannot go on without
    bool empty_sends = false;            // a call without bytes after each message
    bool uncounted_completions = false;  // the server waits for no completion: they are not those of its calls
    bool mptcp = false;                  // both ends use Multipath TCP
    bool fast_open = false;              // the server connects, by a call with MSG_FASTOPEN
    bool fast_open_connect = false;      // the server connects, by a call after TCP_FASTOPEN_CONNECT
    bool as_nobody = false;              // the server runs as an unprivileged user
    std::uint64_t memlock_bytes = 0;     // RLIMIT_MEMLOCK of the server; 0: as it is
    std::uint64_t size_bytes = 0;        // of a message; 0: as asked for
};

// What the steps of a scenario work on, and what they leave to be held while the run lasts.
struct Stage {
    const Network& network;
    pid_t server = 0;  // the processes, once they are connected
    pid_t client = 0;
    std::vector<Helper> helpers;
    std::vector<Fd> handles;
    std::vector<netns::Namespace> namespaces;
};

using Step = Result<void> (*)(Stage&);

struct Scenario {
    std::string_view id;  // the word of --provoke
    char group = 'C';     // class A to E of docs/causes.md
    std::string_view sets_up;
    std::vector<std::string_view> must_name;  // causes that a report of the run has to name; empty: only those of ...
    std::vector<std::string_view> may_name;   // ... this list, whatever a kernel makes of them
    Result<Network> (*network)() = nullptr;   // nullptr: what --path asks for
    Step prepare = nullptr;                   // before the processes start
    Step connected = nullptr;                 // once they are connected, before the warm-up
    Workload workload = {};
};

// All scenarios, class by class.
const std::vector<Scenario>& scenarios();
// The scenario of that id. Error: ExitCode::usage, with the nearest id.
Result<const Scenario*> find_scenario(std::string_view id);
// The scenario that shows a cause, by the cause's id; nullptr where there is none.
const Scenario* scenario_for(std::string_view cause);

// An error of a step as the user reads it: where the kernel or a privilege lacks, the scenario cannot be provoked here.
Error cannot_provoke(const Scenario& scenario, const Error& error);

}  // namespace netio::provoke
