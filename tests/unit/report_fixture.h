// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "model/report.h"

// Finished reports made by hand, each with something of its own for a renderer to get wrong.

namespace netio::test {

inline constexpr auto no_pmu = "this machine exposes no hardware counter for it (no PMU; usual in a VM)";

inline model::Account account(std::string id, std::string stage, std::string what, std::uint64_t bytes,
                              std::uint64_t calls, double copies, std::string where) {
    model::Account made;
    made.id = std::move(id);
    made.stage = std::move(stage);
    made.what = std::move(what);
    made.bytes = bytes;
    made.calls = calls;
    made.copies_per_byte = copies;
    made.where = std::move(where);
    return made;
}

inline model::Latency latency(std::string id, std::string name, double p50_ns, double p99_ns) {
    model::Latency made;
    made.id = std::move(id);
    made.name = std::move(name);
    made.samples = 412'331;
    made.p50_ns = p50_ns;
    made.p90_ns = (p50_ns + p99_ns) / 2;
    made.p99_ns = p99_ns;
    made.p999_ns = p99_ns * 3;
    made.mean_ns = p50_ns * 1.25;
    made.max_ns = p99_ns * 40;
    return made;
}

// A software event: counted once for both spaces.
inline model::CounterRow whole(model::Role role, std::string event, std::uint64_t total, double per_byte) {
    model::CounterRow made;
    made.role = role;
    made.event = std::move(event);
    made.user = model::Figure<std::uint64_t>::missing("not counted apart for user space");
    made.kernel = model::Figure<std::uint64_t>::missing("not counted apart for kernel space");
    made.total = total;
    made.per_byte = per_byte;
    return made;
}

inline model::CounterRow split(model::Role role, std::string event, std::uint64_t user, std::uint64_t kernel,
                               double per_byte) {
    model::CounterRow made = whole(role, std::move(event), user + kernel, per_byte);
    made.user = user;
    made.kernel = kernel;
    return made;
}

inline model::CounterRow uncounted(model::Role role, std::string event, const std::string& reason) {
    model::CounterRow made;
    made.role = role;
    made.event = std::move(event);
    made.user = made.kernel = made.total = model::Figure<std::uint64_t>::missing(reason);
    made.per_byte = model::Figure<double>::missing(reason);
    return made;
}

inline std::vector<std::string> hardware_names() {
    return {"cycles", "instructions", "cache-references", "cache-misses", "L1-dcache-load-misses", "LLC-load-misses"};
}

inline std::vector<model::CounterRow> counters_without_pmu() {
    std::vector<model::CounterRow> rows;
    for (const auto role : {model::Role::server, model::Role::client}) {
        for (const auto& event : hardware_names()) {
            rows.push_back(uncounted(role, event, no_pmu));
        }
        const std::uint64_t more = role == model::Role::client ? 1 : 0;
        rows.push_back(whole(role, "task-clock", 4'912'000'000 - more * 113'000'000, 0.727 - 0.017 * double(more)));
        rows.push_back(whole(role, "context-switches", 1'234 + more * 8'642, 1.8e-7));
        rows.push_back(whole(role, "page-faults", 12 + more, 1.8e-9));
        rows.push_back(whole(role, "cpu-migrations", 3 - 3 * more, more == 1 ? 0.0 : 4e-10));
    }
    return rows;
}

inline std::vector<model::CounterRow> counters_with_pmu() {
    std::vector<model::CounterRow> rows;
    for (const auto role : {model::Role::server, model::Role::client}) {
        std::uint64_t count = role == model::Role::server ? 3'977'000'000 : 3'101'000'000;
        for (const auto& event : hardware_names()) {
            rows.push_back(split(role, event, count / 31, count, static_cast<double>(count) / 6'755'631'104.0));
            rows.back().running_share = event.starts_with("L") ? 0.667 : 1.0;
            count /= 7;
        }
        rows.push_back(whole(role, "task-clock", 4'912'000'000, 0.727));
        rows.push_back(whole(role, "context-switches", 123'456, 1.8e-5));
    }
    return rows;
}

inline model::MachineRow of_machine(std::string event, const model::Figure<std::uint64_t>& total, double per_byte) {
    model::MachineRow made;
    made.event = std::move(event);
    made.total = made.counted = total;
    made.per_byte = per_byte;
    return made;
}

// Of a machine without PMU: what the kernel itself counts.
inline model::MachineCounters machine_without_pmu() {
    model::MachineCounters made{2, {}};
    made.rows.push_back(of_machine("busy-time", 9'960'000'000, 1.474));
    made.rows.push_back(of_machine("softirq-time", 1'230'000'000, 0.182));
    for (const char* event : {"cycles", "instructions"}) {
        made.rows.push_back(of_machine(event, model::Figure<std::uint64_t>::missing(no_pmu), 0));
        made.rows.back().per_byte = model::Figure<double>::missing(no_pmu);
    }
    made.rows.push_back(of_machine("context-switches", 12'345, 1.8e-6));
    made.rows.push_back(of_machine("page-faults", 1'204, 1.8e-7));
    made.rows.push_back(of_machine("cpu-migrations", 31, 4.6e-9));
    return made;
}

inline model::ProbeFacts probe(std::string name, std::string meaning, bool required, model::Tier tier) {
    model::ProbeFacts made;
    made.probe = std::move(name);
    made.meaning = std::move(meaning);
    made.required = required;
    made.tier = tier;
    return made;
}

inline std::vector<model::ProbeFacts> full_coverage() {
    const auto tier = model::Tier::tracepoint;
    return {probe("send", "bytes a send call took", true, tier),
            probe("completion", "zero-copy completions", true, tier),
            probe("late-copy", "copies inside the kernel", true, tier),
            probe("linearise", "silent copies inside the kernel", true, tier),
            probe("transmit", "packets handed to a device", false, tier),
            probe("receive", "bytes copied to the receiver", true, tier)};
}

inline model::Report base_report(model::CopyMode mode) {
    model::Report report;
    report.spec.mode = mode;
    report.environment.tool_version = "0.1.0";
    report.environment.kernel_release = "6.18.5";
    report.environment.machine = "x86_64";
    report.connections = 1;
    report.wall_ns = 5'001'000'000;
    report.throughput_bits_per_second = 10.806e9;
    report.coverage = full_coverage();
    report.counters = counters_without_pmu();
    report.machine_counters = machine_without_pmu();
    report.ledger.payload_bytes = 6'755'631'104;
    report.ledger.send_calls = 412'331;
    report.ledger.unexplained_bytes = 0;
    return report;
}

// The main job: zero-copy over veth, every byte copied late for local delivery.
inline model::Report zerocopy_over_veth() {
    model::Report report = base_report(model::CopyMode::zerocopy);
    report.verdict =
        "All 412 331 zero-copy sends were copied after all. Zero-copy saved nothing here: every byte was copied inside "
        "the kernel instead.";
    const std::uint64_t bytes = 6'755'631'104;
    report.ledger.accounts = {
        account("sent.pinned", "program -> kernel", "pinned", bytes, 412'331, 0, "skb_zerocopy_iter_stream"),
        account("late.local-delivery", "inside the kernel", "copied late", bytes, 412'331, 1,
                "skb_copy_ubufs <- ip_local_deliver_finish, veth"),
        account("received.copied", "kernel -> program", "copied", bytes, 118'204, 1, "skb_copy_datagram_iter")};
    report.ledger.copies_per_byte = 2.0;
    report.ledger.sender_copies_per_byte = 1.0;
    report.witnesses.told_calls = report.witnesses.told_copied_calls = 412'331;
    report.witnesses.recorded_calls = report.witnesses.recorded_copied_calls = 412'331;
    report.witnesses.recorded_copied_bytes = report.witnesses.moved_flagged_bytes = bytes;
    report.witnesses.moved_silent_bytes = report.witnesses.moved_clone_bytes = 0;
    report.witnesses.agree = true;
    report.witnesses.sentences = {"they agree"};
    model::Finding finding;
    finding.cause = "local-delivery";
    finding.bytes = bytes;
    finding.calls = 412'331;
    finding.share = 1.0;
    finding.sentence = "the receiver is on this machine, and a receiving socket may not hold the sender's pages";
    finding.remedy = "send through a real or virtio NIC (docs/causes.md#local-delivery), or use one-copy on this path";
    finding.device = "veth1 (veth)";
    finding.stack = {"skb_copy_ubufs",
                     "__netif_receive_skb_core",
                     "__netif_receive_skb_one_core",
                     "process_backlog",
                     "__napi_poll",
                     "net_rx_action",
                     "handle_softirqs",
                     "do_softirq",
                     "__local_bh_enable_ip"};
    report.findings = {finding};
    report.latencies = {latency("send-call", "send()", 1'903, 7'120), latency("delivery", "delivery", 52'400, 161'000),
                        latency("completion", "completion", 24'000, 61'300)};
    return report;
}

// Nothing to find; a witness that has nothing to say, and a completion that does not exist.
inline model::Report one_copy() {
    model::Report report = base_report(model::CopyMode::one_copy);
    report.verdict = "Every byte was copied twice: once into the kernel and once out of it, as one-copy promises.";
    report.spec.messages = 1009;
    report.wall_ns = 84'310'000;
    report.connections = 4;
    report.spec.threads = 4;
    report.spec.path = model::Path::lo;
    report.ledger.payload_bytes = 66'125'824;
    report.ledger.accounts = {
        account("sent.copied", "program -> kernel", "copied", 66'125'824, 4'036, 1, "tcp_sendmsg_locked"),
        account("received.copied", "kernel -> program", "copied", 66'125'824, 3'127, 1, "skb_copy_datagram_iter")};
    report.ledger.send_calls = 4'036;
    report.ledger.copies_per_byte = 2.0;
    report.ledger.sender_copies_per_byte = 1.0;
    const auto none = model::Figure<std::uint64_t>::missing("no send call asked for zero-copy");
    report.witnesses.told_calls = report.witnesses.told_copied_calls = none;
    report.witnesses.recorded_calls = report.witnesses.recorded_copied_calls = none;
    report.witnesses.recorded_copied_bytes = none;
    report.witnesses.moved_flagged_bytes = report.witnesses.moved_silent_bytes = none;
    report.witnesses.moved_clone_bytes = none;
    report.latencies = {latency("send-call", "send()", 5'100, 19'900), latency("delivery", "delivery", 31'000, 90'000)};
    report.latencies[1].p999_ns = model::Figure<double>::missing("4 036 samples are too few");
    report.latencies.emplace_back();
    report.latencies[2].id = report.latencies[2].name = "completion";
    report.latencies[2].p50_ns = model::Figure<double>::missing("only zerocopy sends complete later");
    report.counters = counters_with_pmu();
    return report;
}

// Two kinds of cores, whose PMUs count by themselves and shared their hardware; and events that were asked for by name.
inline model::Report hybrid() {
    model::Report report = one_copy();
    report.machine_counters.reset();
    for (auto& row : report.counters) {
        if (!row.user.measured()) {
            continue;
        }
        for (const auto& [pmu, share] : {std::pair{"cpu_atom", 4U}, std::pair{"cpu_core", 1U}}) {
            const auto of = [share = share](const model::Figure<std::uint64_t>& figure) {
                return model::Figure<std::uint64_t>{share == 4 ? figure.value() / 4
                                                               : figure.value() - figure.value() / 4};
            };
            row.parts.push_back({pmu, of(row.user), of(row.kernel), of(row.total)});
        }
    }
    for (const auto role : {model::Role::server, model::Role::client}) {
        report.counters.push_back(split(role, "branch-misses", 1'234, 567'890, 0.0086));
        report.counters.push_back(whole(role, "sched:sched_switch", 4'711, 7.1e-5));
    }
    report.counters.push_back(split(model::Role::server, "cpu_core/event=0x3c,umask=0x1/", 5, 6, 1.7e-7));
    report.counters.push_back(uncounted(model::Role::client, "cpu_core/event=0x3c,umask=0x1/", "the thread had ended"));
    model::MachineCounters machine = machine_without_pmu();
    machine.cpus = 8;
    machine.rows[2] = of_machine("cycles", 9'876'543'210, 149.4);
    machine.rows[2].counted = 4'567'000'000;
    machine.rows[2].running_share = 0.462;
    machine.rows[2].parts = {{"cpu_atom", {}, {}, 876'543'210}, {"cpu_core", {}, {}, 9'000'000'000}};
    machine.rows[3] = of_machine("instructions", model::Figure<std::uint64_t>::missing("its processor is offline"), 0);
    machine.rows.push_back(of_machine("uncore_imc_0/data_read/", 1'234'567, 0.0187));
    report.machine_counters = machine;
    return report;
}

// Software segmentation copies in silence while the program is told zero-copy.
inline model::Report silent_copies() {
    model::Report report = zerocopy_over_veth();
    report.spec.provoke = "no-scatter-gather";
    report.verdict =
        "The program was told that 411 900 of 412 331 sends were zero-copy, yet every byte was copied: most of them in "
        "silence.";
    auto& late = report.ledger.accounts[1];
    late.id = "late.no-scatter-gather";
    late.what = "copied silently";
    late.where = "skb_segment <- validate_xmit_skb, veth0";
    late.bytes = 6'999'000'000;
    late.copies_per_byte = 1.036;
    report.ledger.copies_per_byte = 2.036;
    report.ledger.sender_copies_per_byte = 1.036;
    report.witnesses.told_copied_calls = report.witnesses.recorded_copied_calls = 431;
    report.witnesses.recorded_copied_bytes = report.witnesses.moved_flagged_bytes = 7'061'504;
    report.witnesses.moved_silent_bytes = 6'748'569'600;
    report.witnesses.agree = false;
    report.witnesses.sentences = {
        "the program was told zero-copy for 411 900 calls whose bytes were copied (6.75 GB, silent)"};
    auto& finding = report.findings[0];
    finding.cause = "no-scatter-gather";
    finding.silent = true;
    finding.share = 0.99895;
    finding.sentence = "veth0 cannot gather a packet from several pages, so the kernel makes it linear in software";
    finding.remedy = "switch scatter-gather on (ethtool -K veth0 sg on)";
    finding.device = "veth0 (veth)";
    finding.stack = {"skb_segment", "tcp_gso_segment", "inet_gso_segment"};
    model::Finding tap = finding;
    tap.cause = "packet-tap";
    tap.silent = false;
    tap.share = 0.0002;
    tap.sentence = "a packet socket looks at every packet, and its clone may not hold the sender's pages";
    tap.remedy = "stop the tap, or give it a filter";
    tap.who = "netio-tap (pid 4711)";
    tap.stack = {"skb_copy_ubufs", "dev_queue_xmit_nit", "dev_hard_start_xmit"};
    report.findings.push_back(tap);
    model::TapFacts facts;
    facts.namespace_of = "server";
    facts.protocol = "all";
    facts.pid = 4711;
    facts.command = "netio-tap";
    report.taps = {facts};
    return report;
}

inline model::Report interrupted() {
    model::Report report = zerocopy_over_veth();
    report.interrupted = "Ctrl-C (SIGINT) after 1.20 s of 5.00 s";
    report.wall_ns = 1'203'000'000;
    report.complete = false;
    return report;
}

// Events were lost, and the books do not balance.
inline model::Report lost_events() {
    model::Report report = zerocopy_over_veth();
    report.warnings = {"1 312 events were lost because the ring buffer was full: reasons are missing, no bytes are.",
                       "16 384 received bytes differ from the pattern that was sent."};
    report.ledger.unexplained_bytes = 16'384;
    model::Balance sent, received;
    sent.id = "sent";
    sent.equation = "returned by send calls = copied + pinned + spliced";
    sent.left = sent.right = 6'755'631'104;
    sent.unexplained = 0;
    received.id = "received";
    received.equation = "returned by receive calls = copied to user + mapped";
    received.left = 6'755'631'104;
    received.right = 6'755'614'720;
    received.unexplained = 16'384;
    report.ledger.balances = {sent, received};
    report.complete = false;
    report.not_seen = {"retransmissions: tracepoint tcp/tcp_retransmit_skb is not in this kernel"};
    return report;
}

// No probe, no counter, no sample: every figure is missing.
inline model::Report everything_missing() {
    model::Report report;
    report.complete = false;
    report.verdict = "Nothing can be said about these bytes: no probe could be attached.";
    const auto reason = "the probe send is missing";
    report.ledger.payload_bytes = report.ledger.send_calls = model::Figure<std::uint64_t>::missing(reason);
    for (const auto* id : {"sent.copied", "sent.pinned"}) {
        model::Account made;
        made.id = id;
        made.stage = "program -> kernel";
        made.what = made.id.substr(5);
        made.bytes = made.calls = model::Figure<std::uint64_t>::missing(reason);
        made.copies_per_byte = model::Figure<double>::missing(reason);
        report.ledger.accounts.push_back(made);
    }
    report.ledger.unexplained_bytes = model::Figure<std::uint64_t>::missing(reason);
    report.ledger.copies_per_byte = model::Figure<double>::missing(reason);
    report.latencies.emplace_back();
    report.latencies[0].id = "send-call";
    report.latencies[0].name = "send()";
    report.coverage = {probe("send", "bytes a send call took", true, model::Tier::none),
                       probe("retransmit", "payload sent again", false, model::Tier::none)};
    report.coverage[0].refused = {"fentry/tcp_sendmsg_locked: Operation not permitted (EPERM)",
                                  "kprobe/tcp_sendmsg_locked: Operation not permitted (EPERM)",
                                  "tracepoint/syscalls/sys_exit_sendmsg: No such file or directory (ENOENT)"};
    for (const auto& event : hardware_names()) {
        report.counters.push_back(uncounted(model::Role::server, event, no_pmu));
    }
    return report;
}

// Names as long, and as hostile, as the kernel lets them be.
inline model::Report long_names() {
    model::Report report = silent_copies();
    const std::string long_function = "a_kernel_function_with_a_name_that_no_column_of_any_terminal_would_hold_in_one";
    for (auto& made : report.ledger.accounts) {
        made.where = long_function + " <- " + long_function + ", " + std::string(200, 'd');
    }
    for (auto& finding : report.findings) {
        finding.device = std::string(120, 'd') + " (macvlan)";
        finding.who = "evil\x1b[31m\nname\xff\xe6\xbc\xa2\xcc\x81 (pid 2147483647)";
        finding.stack.assign(16, long_function);
        finding.sentence += " " + std::string(300, 's');
        finding.remedy += " " + std::string(300, 'r');
    }
    report.environment.kernel_release = "6.18.5-" + std::string(100, 'k');
    report.taps[0].command = std::string(80, 't');
    report.taps.resize(5, report.taps[0]);
    report.warnings = {std::string(500, 'w')};
    report.not_seen = {std::string(500, 'n')};
    report.interrupted = std::string(500, 'i');
    report.latencies[0].name = std::string(70, 'l');
    report.latencies[0].max_ns = 9.2e18;
    report.counters[0].event = std::string(90, 'e');
    report.counters.push_back(split(model::Role::server, std::string(90, 'f'), UINT64_MAX / 2, UINT64_MAX / 2, 1e12));
    report.counters.push_back(whole(model::Role::client, std::string(90, 'g'), UINT64_MAX, 1e-12));
    report.ledger.accounts[0].stage = std::string(50, 'p');
    report.ledger.accounts[0].what = std::string(50, 'q');
    report.ledger.accounts[0].bytes = UINT64_MAX;
    report.ledger.accounts[0].calls = UINT64_MAX;
    return report;
}

}  // namespace netio::test
