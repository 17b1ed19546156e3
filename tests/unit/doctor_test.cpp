// SPDX-License-Identifier: MIT
#include "report/doctor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"

namespace {

using namespace netio;
using model::ProbeFacts;
using model::Tier;
using report::DoctorFacts;
using report::judge;
using report::render_doctor;

const std::string not_permitted = "Operation not permitted (EPERM)";

ProbeFacts attached(const std::string& probe, bool required, Tier tier, const std::string& how) {
    return {probe, "meaning of " + probe, required, tier, how, {}};
}

ProbeFacts missing(const std::string& probe, bool required, std::vector<std::string> refused) {
    return {probe, "meaning of " + probe, required, Tier::none, "", std::move(refused)};
}

// Root on a machine that allows all but hardware counters.
DoctorFacts all_attached() {
    DoctorFacts facts;
    facts.environment.tool_version = "0.1.0";
    facts.environment.kernel_release = "6.18.0";
    facts.environment.machine = "x86_64";
    facts.environment.cpus = 2;
    facts.environment.lockdown = "none";
    facts.environment.limits = {{"net.core.optmem_max", "131072"},
                                {"RLIMIT_MEMLOCK", "8388608"},
                                {"kernel.perf_event_paranoid", "-1"},
                                {"kernel.unprivileged_bpf_disabled", "2"}};
    facts.btf = true;
    facts.capabilities = {{"CAP_SYS_ADMIN", "to make network namespaces", true},
                          {"CAP_NET_ADMIN", "to make network namespaces", true}};
    facts.can_make_networks = true;
    facts.memlock_skipped = true;
    facts.probes = {attached("send-call", true, Tier::fentry, "fentry/tcp_sendmsg_locked + fexit/tcp_sendmsg_locked"),
                    attached("late-copy", true, Tier::tracepoint,
                             "tp_btf/net_dev_queue + tp_btf/netif_receive_skb + tp_btf/mm_page_alloc"),
                    attached("retransmit", false, Tier::tracepoint, "tp_btf/tcp_retransmit_skb")};
    facts.probes[1].refused = {"fentry/skb_copy_ubufs: " + not_permitted, "kprobe/skb_copy_ubufs: no kprobes"};
    facts.events = {{"cycles", "no PMU"}, {"instructions", "no PMU"}, {"task-clock", ""}};
    return facts;
}

// The same machine, of which every probe is refused.
DoctorFacts nothing_attached() {
    DoctorFacts facts = all_attached();
    facts.probes = {missing("send-call", true, {"fentry/a: " + not_permitted, "tp_btf/b: " + not_permitted}),
                    missing("late-copy", true, {"fentry/c: " + not_permitted, "tp_btf/b: " + not_permitted}),
                    missing("retransmit", false, {"tp_btf/d: no such tracepoint in this kernel"})};
    return facts;
}

DoctorFacts as_nobody() {
    DoctorFacts facts = nothing_attached();
    facts.user_id = 65534;
    facts.can_make_networks = false;
    facts.memlock_skipped = false;
    facts.capabilities = {{"CAP_SYS_ADMIN", "to make network namespaces", false},
                          {"CAP_BPF", "to attach probes", false},
                          {"CAP_NET_ADMIN", "to make network namespaces", false}};
    return facts;
}

model::TapFacts tap(std::int32_t pid, const std::string& command, const std::string& device,
                    const std::string& protocol) {
    model::TapFacts facts;
    facts.namespace_of = "host";
    facts.pid = pid;
    facts.command = command;
    facts.device = device;
    facts.protocol = protocol;
    return facts;
}

DoctorFacts with_taps() {
    DoctorFacts facts = all_attached();
    facts.taps = {tap(812, "tcpdump", "eth0", "all"), tap(0, "", "", "0x88cc")};
    return facts;
}

std::string plain(const DoctorFacts& facts, unsigned columns = 80) {
    return render_doctor(facts, {columns});
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Without line breaks and alignment, so that a test of words does not depend on the width.
std::string flat(const DoctorFacts& facts, unsigned columns = 80) {
    std::string text;
    for (const auto& line : split(plain(facts, columns), '\n')) {
        text += (text.empty() ? "" : " ") + trim(line);
    }
    for (std::size_t at = text.find("  "); at != std::string::npos; at = text.find("  ")) {
        text.erase(at, 1);
    }
    return text;
}

std::size_t widest(const std::string& text) {
    std::size_t width = 0;
    for (const auto& line : split(text, '\n')) {
        width = std::max(width, display_width(line));
    }
    return width;
}

}  // namespace

TEST_SUITE("doctor") {
    TEST_CASE("no line is wider than the terminal, and no word is lost in a narrow one") {
        const std::vector<std::string> words{
            "send-call", "late-copy", "mm_page_alloc", "net.core.optmem_max", "131 072",
            "tcpdump",   "cycles",    "What works:",   "CAP_NET_ADMIN"};
        for (const unsigned columns : {60U, 80U, 120U}) {
            CAPTURE(columns);
            for (const auto& facts : {all_attached(), nothing_attached(), as_nobody(), with_taps()}) {
                CHECK(widest(plain(facts, columns)) <= columns);
            }
            const std::string text = flat(with_taps(), columns);
            for (const auto& word : words) {
                CAPTURE(word);
                CHECK(contains(text, word));
            }
        }
    }

    TEST_CASE("a wide terminal is used") {
        CHECK(widest(plain(with_taps(), 120)) > 80);
    }

    TEST_CASE("colour is never the only sign") {
        const std::string coloured = render_doctor(nothing_attached(), {80, true});
        CHECK(contains(coloured, "\x1b[1;31mnone\x1b[0m"));
        CHECK_FALSE(contains(plain(nothing_attached()), "\x1b"));
        CHECK(contains(plain(nothing_attached()), "none"));
    }

    TEST_CASE("each probe shows its tier and what is attached") {
        const std::string text = flat(all_attached(), 120);
        CHECK(contains(text, "send-call fentry fentry/tcp_sendmsg_locked + fexit/tcp_sendmsg_locked"));
        CHECK(contains(text, "late-copy tracepoint net_dev_queue + netif_receive_skb + mm_page_alloc"));
        CHECK(contains(text, "Refused fentry/skb_copy_ubufs: " + not_permitted + " kprobe/skb_copy_ubufs: no kprobes"));
    }

    TEST_CASE("a probe without a variant shows what is lost, and each reason stands once") {
        const std::string text = flat(nothing_attached());
        CHECK(contains(text, "send-call none required: meaning of send-call"));
        CHECK(contains(text, "retransmit none optional: meaning of retransmit"));
        CHECK(contains(text, "Refused fentry/a, tp_btf/b, fentry/c: " + not_permitted + " tp_btf/d: no such"));
    }

    TEST_CASE("each tier that was tried by itself shows what it gives, and its refusals") {
        DoctorFacts facts = all_attached();
        CHECK_FALSE(contains(plain(facts), "\nTiers"));
        const ProbeFacts send = attached("send-call", true, Tier::fentry, "fentry/f");
        const ProbeFacts path = attached("packet-path", false, Tier::tracepoint, "tp_btf/p");
        const ProbeFacts copy = missing("late-copy", true, {"kprobe/k: the verifier refused it: no, EINVAL"});
        facts.tiers = {{Tier::fentry, {send, path}}, {Tier::kprobe, {send, copy, path}}};
        CHECK(contains(flat(facts), "Tiers required probes by fentry 1 of 1 · kprobe 1 of 2 Refused"));
        CHECK(contains(flat(facts), "kprobe/k: the verifier refused it: no, EINVAL"));
        const auto json = nlohmann::json::parse(render_doctor_json(facts));
        CHECK(json["tiers"]["fentry"].size() == 2);
        CHECK(json["tiers"]["kprobe"][1]["refused"][0] == "kprobe/k: the verifier refused it: no, EINVAL");
    }

    TEST_CASE("a long list of refused variants is cut short, but not by one") {
        DoctorFacts facts = nothing_attached();
        const auto refuse = [](int variants) {
            std::vector<std::string> refused;
            for (int i = 0; i < variants; ++i) {
                refused.push_back("fentry/f" + std::to_string(i) + ": no");
            }
            return refused;
        };
        facts.probes = {missing("send-call", true, refuse(7))};
        CHECK(contains(flat(facts), "fentry/f5, fentry/f6: no"));
        facts.probes = {missing("send-call", true, refuse(8))};
        CHECK(contains(flat(facts), "fentry/f4, fentry/f5 and 2 more: no"));
        CHECK_FALSE(contains(flat(facts), "fentry/f6"));
        facts.probes = {missing("send-call", true, {"fentry/f"})};
        CHECK(contains(flat(facts), "Refused fentry/f: no reason was given"));
    }

    TEST_CASE("no probe, no refusal: said in words") {
        DoctorFacts facts = all_attached();
        CHECK_FALSE(contains(flat(as_nobody()), "Probes none was tried"));
        facts.probes.clear();
        CHECK(contains(flat(facts), "Probes none was tried"));
        CHECK_FALSE(judge(facts).traceable);
    }

    TEST_CASE("the kernel and the user") {
        DoctorFacts facts = all_attached();
        CHECK(contains(flat(facts), "Kernel Linux 6.18.0 x86_64 · 2 CPUs · bare metal"));
        CHECK(contains(flat(facts), "lockdown none · BTF yes · tracefs not mounted · kprobes none"));
        CHECK(contains(flat(facts), "You root, with CAP_SYS_ADMIN, CAP_NET_ADMIN"));
        CHECK_FALSE(contains(flat(facts), "lacks"));
        facts.environment.hypervisor = "QEMU";
        facts.tracefs = "/sys/kernel/tracing";
        facts.kprobes = true;
        facts.btf = false;
        CHECK(contains(flat(facts), "virtual machine: QEMU"));
        facts.environment.hypervisor = "unnamed";  // as kernel::read_environment has it
        CHECK(contains(flat(facts), "virtual machine lockdown"));
        CHECK(contains(flat(facts, 120), "BTF none · tracefs mounted · kprobes yes"));
        CHECK(contains(flat(as_nobody()),
                       "You user 65534, not root lacks CAP_SYS_ADMIN, CAP_NET_ADMIN: needed to make "
                       "network namespaces lacks CAP_BPF: needed to attach probes"));
    }

    TEST_CASE("counters that are missing stand together with their reason") {
        DoctorFacts facts = all_attached();
        CHECK(contains(flat(facts), "Counters hardware PMU none counted: task-clock cycles, instructions n/a: no PMU"));
        facts.pmus = {"cpu_core", "cpu_atom"};
        facts.events = {{"cycles", "busy"}};
        CHECK(contains(flat(facts), "hardware PMU yes: cpu_core, cpu_atom no event can be counted cycles n/a: busy"));
    }

    TEST_CASE("limits, and what is not known of them") {
        const std::string text = flat(all_attached());
        CHECK(contains(text, "Limits net.core.optmem_max 131 072 B: a socket's zero-copy calls in flight"));
        CHECK(contains(text, "RLIMIT_MEMLOCK 8 388 608 B: no limit for you, as CAP_IPC_LOCK skips it"));
        DoctorFacts facts = as_nobody();
        facts.environment.limits = {{"RLIMIT_MEMLOCK", "unlimited"}};
        CHECK(contains(flat(facts), "net.core.optmem_max n/a: "));
        CHECK(contains(flat(facts), "RLIMIT_MEMLOCK unlimited: the pages a user may pin"));
        CHECK(contains(flat(facts), "kernel.perf_event_paranoid n/a: what may be counted"));
    }

    TEST_CASE("what each paranoid level means") {
        DoctorFacts facts = all_attached();
        const auto shows = [&](const std::string& level, const std::string& meaning) {
            facts.environment.limits["kernel.perf_event_paranoid"] = level;
            CAPTURE(level);
            CHECK(contains(flat(facts), "kernel.perf_event_paranoid " + level + ": " + meaning));
        };
        shows("-1", "all events of a thread are counted");
        shows("1", "all events of a thread are counted");
        shows("2", "only user space is counted without CAP_PERFMON");
        shows("3", "nothing is counted without CAP_PERFMON");
    }

    TEST_CASE("taps have an owner, a device and a direction") {
        const std::string text = flat(with_taps());
        CHECK(contains(text, "Taps tcpdump (pid 812) eth0 sent and received"));
        CHECK(contains(text, "owner not seen every device received, type 0x88cc"));
        CHECK(contains(flat(all_attached()), "Taps none: no packet socket"));
        DoctorFacts facts = all_attached();
        facts.taps_unknown = "no /proc";
        CHECK(contains(flat(facts), "Taps n/a: no /proc"));
    }

    TEST_CASE("a process cannot write to the terminal by its name") {
        DoctorFacts facts = with_taps();
        facts.taps[0].command = "a\x1b[2J\x07";
        CHECK(contains(plain(facts), "a?[2J? (pid 812)"));
    }

    TEST_CASE("the verdict comes first") {
        const std::string text = plain(all_attached());
        CHECK(text.find("\nWhat works: The whole ledger") < text.find("\nKernel "));
    }

    TEST_CASE("verdict: all that is required") {
        DoctorFacts facts = all_attached();
        CHECK(judge(facts).traceable);
        CHECK(judge(facts).exit_code() == ExitCode::ok);
        CHECK(judge(facts).text ==
              "The whole ledger can be measured here, by fentry and tracepoints. Counters: 1 of 3, for there is no "
              "hardware PMU.");
        // The tiers of the required probes only are named.
        facts.probes[1].tier = Tier::fentry;
        facts.probes[2] = missing("retransmit", false, {});
        facts.events.clear();
        CHECK(judge(facts).text ==
              "The whole ledger can be measured here, by fentry. It closes without retransmit, but explains less.");
    }

    TEST_CASE("verdict: a part") {
        DoctorFacts facts = all_attached();
        facts.probes[0] = missing("send-call", true, {});
        facts.pmus = {"cpu"};
        CHECK(judge(facts).exit_code() == ExitCode::ok);
        CHECK(
            judge(facts).text ==
            "Part of the ledger can be measured here, by tracepoints: what send-call would tell is n/a in the report. "
            "Counters: 1 of 3.");
    }

    TEST_CASE("verdict: nothing, and why") {
        const auto refused = [](const DoctorFacts& facts, const std::string& why) {
            CAPTURE(why);
            CHECK(judge(facts).exit_code() == ExitCode::privilege);
            CHECK(contains(judge(facts).text, why));
            CHECK(contains(judge(facts).text, "`netio-trace replay FILE` works without root."));
        };
        refused(nothing_attached(), "the kernel refuses every probe");
        refused(as_nobody(), "Without root nothing can be traced");
        DoctorFacts facts = all_attached();
        facts.btf = false;
        refused(facts, "CONFIG_DEBUG_INFO_BTF");
        facts = all_attached();
        facts.can_make_networks = false;
        refused(facts, "this root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN");
    }

    TEST_CASE("verdict: a tier asked for by name does not fall back silently") {
        DoctorFacts facts = all_attached();
        facts.asked = Tier::kprobe;
        CHECK(judge(facts).exit_code() == ExitCode::ok);
        facts.probes[1] = missing("late-copy", true, {});
        CHECK(judge(facts).exit_code() == ExitCode::privilege);
        CHECK(judge(facts).text == "`--tier kprobe` cannot be had here: it attaches no late-copy. Leave out --tier.");
    }

    TEST_CASE("JSON says the same") {
        DoctorFacts facts = with_taps();
        const auto json = nlohmann::json::parse(render_doctor_json(facts));
        CHECK(json["schema_version"] == model::schema_version);
        CHECK(json["traceable"] == true);
        CHECK(json["exit_code"] == 0);
        CHECK(json["tier"] == "auto");
        CHECK(json["verdict"] == judge(facts).text);
        CHECK(json["probes"][0]["tier"] == "fentry");
        CHECK(json["probes"][1]["refused"].size() == 2);
        CHECK(json["taps"][0]["command"] == "tcpdump");
        CHECK(json["capabilities"]["CAP_NET_ADMIN"] == true);
        CHECK(json["counters"]["events"][0] ==
              nlohmann::json{{"event", "cycles"}, {"counted", false}, {"refusal", "no PMU"}});
        CHECK(json["environment"]["limits"]["net.core.optmem_max"] == "131072");
        CHECK(nlohmann::json::parse(render_doctor_json(as_nobody()))["exit_code"] == 3);
        facts.taps_unknown = "no /proc\xff";
        CHECK(nlohmann::json::parse(render_doctor_json(facts))["taps"]["missing"] == "no /proc\ufffd");
    }
}
