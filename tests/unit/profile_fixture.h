// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "ledger/profile.h"
#include "model/profile.h"

// Profiles made by hand.

namespace netio::test {

inline model::ProfileStack profile_stack(model::Runner runner, std::string task, std::uint64_t samples,
                                         std::vector<std::string> frames) {
    return {runner, std::move(task), frames.empty(), samples, samples * 1000, std::move(frames)};
}

// 100 samples of 1000 ns each: 10 of the program, 85 of server and client in the kernel, 5 elsewhere.
inline model::ProfileFacts profile_facts() {
    using model::Runner;
    model::ProfileFacts facts;
    facts.event = "cpu-clock";
    facts.unit = "ns";
    facts.not_cycles = "this machine exposes no hardware counter for it (no PMU; usual in a VM)";
    facts.rate_hz = 997;
    facts.cpus = 2;
    facts.samples = 140;
    facts.left_out = 40;
    facts.weight = 140'000;
    facts.counted = 140'000;
    facts.enabled_ns = facts.running_ns = 140'000;
    facts.stacks = {
        profile_stack(Runner::server, "netio-server", 10, {}),
        profile_stack(Runner::server, "netio-server", 20,
                      {"memcpy", "skb_copy_ubufs", "tcp_v4_rcv", "handle_softirqs"}),
        profile_stack(
            Runner::client, "netio-client", 30,
            {"rep_movs_alternative", "_copy_to_iter", "tcp_recvmsg_locked", "__sys_recvfrom", "do_syscall_64"}),
        profile_stack(Runner::server, "netio-server", 15,
                      {"gup_fast_fallback", "__zerocopy_sg_from_iter", "tcp_sendmsg_locked", "do_syscall_64"}),
        profile_stack(Runner::client, "netio-client", 12,
                      {"_raw_spin_lock_bh", "tcp_recvmsg_locked", "__sys_recvfrom", "do_syscall_64"}),
        profile_stack(Runner::server, "netio-server", 8, {"frobnicate", "__x64_sys_frobnicate", "do_syscall_64"}),
        profile_stack(Runner::elsewhere, "ksoftirqd/0", 5,
                      {"tcp_v4_rcv", "net_rx_action", "handle_softirqs", "run_ksoftirqd"})};
    return facts;
}

// The figures of a run of 5 s over veth.
inline model::Profile lifelike_profile() {
    model::ProfileFacts facts = profile_facts();
    for (auto& stack : facts.stacks) {
        stack.samples *= 97;
        stack.weight = stack.samples * 1'003'009;
    }
    facts.samples = facts.weight = 0;
    facts.counted = model::Figure<std::uint64_t>::missing("could not be read");
    return ledger::summarize_profile(facts, model::Figure<std::uint64_t>(6'755'631'104));
}

}  // namespace netio::test
