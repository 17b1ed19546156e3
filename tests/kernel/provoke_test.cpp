// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cases.h"
#include "tool.h"

// Every scenario of --provoke: the causes that it brings about are named, no other is, every copied byte is attributed,
// and what the program was told is what the table of the documentation says. What the kernel lacks is a skip.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t messages = 251;
using Causes = std::set<std::string>;

enum class Told { copied, zerocopy, both, nothing };

// What `causes --prove` says of every scenario, which are provoked once for all cases; by tracepoints alone of those
// whose calls other functions than TCP's take.
const json& proofs(const std::string& tier = "auto") {
    static std::map<std::string, json> known;
    json& proofs = known[tier];
    if (proofs.is_null()) {
        Arguments arguments{"causes", "--prove", "--messages", std::to_string(messages), "--tier", tier, "--json"};
        if (tier != "auto") {
            arguments.insert(arguments.end(),
                             {"--only", "mptcp,ktls,sockmap,fast-open,fast-open-connect,private-copy"});
        }
        const Outcome outcome = run_trace_for(60, arguments);
        REQUIRE_FALSE(outcome.hung);
        CHECK_MESSAGE(outcome.exit_code == 0, "stderr: ", outcome.err);
        proofs = json::parse(outcome.out, nullptr, false);
        REQUIRE(proofs.is_array());
    }
    return proofs;
}

// The report of a scenario; null where this kernel cannot provoke it.
json provoked(const std::string& scenario, const std::string& tier = "auto") {
    const json proof = element(proofs(tier), "scenario", scenario);
    REQUIRE_FALSE(proof.empty());
    const std::string detail = proof["detail"];
    if (proof["outcome"] == "skipped") {
        CHECK(detail.starts_with("this kernel cannot provoke " + scenario + ": "));
        netio::cases::skip(detail);
        return nullptr;
    }
    CHECK_MESSAGE(proof["outcome"] == "ok", detail);
    REQUIRE_MESSAGE(proof["run"].is_object(), detail);
    return proof["run"];
}

// Whether the option memory is the small one of kernels before 6.9, which calls in flight may fill in any run.
bool has_small_option_memory(const json& report) {
    const json& limits = report["environment"]["limits"];
    const std::string own = limits.value("server: net.core.optmem_max", "");
    return std::stoull(own.empty() ? limits.value("net.core.optmem_max", "0") : own) <= 20480;
}

Causes causes_of(const json& report) {
    Causes causes;
    for (const json& cause : report["causes"]) {
        causes.insert(cause["cause"].get<std::string>());
    }
    return causes;
}

// Without the cause that comes by itself on such a kernel.
Causes provoked_causes(const std::string& scenario, const json& report) {
    Causes causes = causes_of(report);
    if (scenario != "optmem-max" && has_small_option_memory(report)) {
        causes.erase("optmem-max");
    }
    return causes;
}

void check_told(const json& report, Told told) {
    const json& witnesses = report["witnesses"];
    const std::uint64_t calls = measured(witnesses["told_calls"]);
    CHECK(calls == (told == Told::nothing ? 0 : measured(report["ledger"]["send_calls"])));
    if (told == Told::copied) {
        CHECK(witnesses["told_copied_calls"] == calls);
    } else if (told == Told::zerocopy) {
        // A short tail that needs no segmentation is linearised by a function that flags its calls.
        CHECK(measured(witnesses["told_copied_calls"]) * 2 < calls);
    }
}

// Every cause of late copies stands for all the bytes that went its way: no less than the payload, no more than what
// was sent again. Only time stamps are asked for by call: the last packet of each call brings its payload back
// (tcp_tx_timestamp). And netem leaves most packets as they are, the firewall those that are segmented later,
// and a router the short ones.
void check_bytes(const std::string& scenario, const json& report, std::uint64_t payload) {
    const std::uint64_t again = site_bytes(report, "server", "retransmitted");
    for (const json& cause : report["causes"]) {
        if (cause["bytes"].is_number()) {
            CAPTURE(cause["cause"]);
            const bool of_some = cause["cause"] == "timestamps-with-payload" || scenario.starts_with("netem-corrupt") ||
                                 scenario == "firewall-checksum" || scenario == "fragmented";
            CHECK(measured(cause["bytes"]) >= (of_some ? 1 : payload));
            CHECK(measured(cause["bytes"]) <= payload + again);
        }
    }
}

// `expected`: the causes to be named; several sets where kernels differ in what they do.
void check(const std::string& scenario, const std::vector<Causes>& expected, Told told, std::uint64_t size = 16384,
           const std::string& tier = "auto") {
    const json report = provoked(scenario, tier);
    if (report.is_null()) {
        return;
    }
    CHECK(report["complete"] == true);
    CHECK_MESSAGE(std::find(expected.begin(), expected.end(), provoked_causes(scenario, report)) != expected.end(),
                  report["causes"].dump());
    check_balances(report);
    check_payload(report, size * messages);
    check_told(report, told);
    check_bytes(scenario, report, size * messages);
}

// Since Linux 6.5 the copies are copied once more where they are delivered. How many completions come of them follows
// from the pieces that the kernel makes of a message.
void check_sockmap(const std::string& tier) {
    constexpr std::uint64_t size = 16384;
    const json report = provoked("sockmap", tier);
    if (report.is_null()) {
        return;
    }
    const Causes causes = provoked_causes("sockmap", report);
    const bool again = causes.contains("local-delivery");
    CHECK(report["complete"] == true);
    CHECK((causes == Causes{"sockmap"} || causes == Causes{"sockmap", "local-delivery"}));
    check_balances(report);
    check_payload(report, size * messages);
    check_bytes("sockmap", report, size * messages);
    CHECK(element(report["ledger"]["accounts"], "id", "sent.pinned").empty());
    CHECK(measured(element(report["ledger"]["accounts"], "id", "sent.copied")["bytes"]) == size * messages);
    const std::uint64_t told = measured(report["witnesses"]["told_calls"]);
    CHECK((again ? told >= messages : told == 0));
    CHECK_FALSE(report["witnesses"]["recorded_calls"].is_number());
}

// The most that a first packet of 1500 bytes holds: the kernel leaves 40 bytes for options (tcp_send_syn_data).
constexpr std::uint64_t first_packet_bytes = 1500 - 40 - 40;

// `opened`: what the calls that opened the connections copied at once, in as many calls. All else is pinned, and copied
// late; since Linux 6.5 the first packet, whose pages are taken for those of the program, is too.
void check_opened(const json& report, std::uint64_t opened, std::uint64_t connections, std::uint64_t payload) {
    CAPTURE(report["causes"].dump());
    const json cause = element(report["causes"], "cause", "fast-open");
    CHECK(measured(cause["bytes"]) == opened);
    CHECK(cause["calls"] == connections);
    CHECK(site_bytes(report, "server", "send-fast-open") + site_bytes(report, "server", "send-in-syn") == opened);
    CHECK(site_bytes(report, "server", "send-pinned") == payload - opened);
    CHECK(report["complete"] == true);
    check_balances(report);
    check_payload(report, payload);
    check_told(report, Told::copied);
    const json late = element(report["causes"], "cause", "local-delivery");
    if (opened != payload) {
        CHECK(measured(late["bytes"]) >= payload - opened);
        CHECK(measured(late["bytes"]) <= payload + site_bytes(report, "server", "retransmitted"));
    }
}

void check_fast_open(const std::string& scenario, std::uint64_t opened) {
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        const json report = provoked(scenario, tier);
        if (!report.is_null()) {
            CHECK(provoked_causes(scenario, report) == Causes{"fast-open", "local-delivery"});
            check_opened(report, opened, 1, 16384 * messages);
        }
    }
}

// Messages that the first packet holds as a whole, and several connections.
void check_fast_open_of(const std::string& scenario, std::uint64_t size, std::uint64_t threads, std::uint64_t opened) {
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        CAPTURE(size);
        const json report =
            report_of({"--provoke", scenario, "--tier", tier, "--size", std::to_string(size), "--threads",
                       std::to_string(threads), "--messages", std::to_string(messages), "--warmup", "20ms"});
        check_opened(report, opened * threads, threads, size * messages * threads);
    }
}

constexpr std::uint64_t merged_size = 4093;

// Null where this kernel cannot provoke it, or sees too little of it: Linux 5.10 does by tracepoints alone.
json provoked_merge(const std::string& tier) {
    const Arguments arguments{"--provoke",
                              "merged-completions",
                              "--messages",
                              std::to_string(messages),
                              "--warmup",
                              "20ms",
                              "--no-counters",
                              "--tier",
                              tier,
                              "--json"};
    const Outcome outcome = outcome_of("provoke merged-completions", [&] { return run_trace(arguments); });
    if (outcome.exit_code == 3 && outcome.err.find("this kernel cannot provoke") != std::string::npos) {
        netio::cases::skip(outcome.err);
        return nullptr;
    }
    const json report = parse_report(outcome);
    const json completion = element(report["coverage"], "probe", "completion");
    if (tier == "tracepoint" && completion.value("limits", std::string{}) != "") {
        CHECK((outcome.exit_code == 0 || outcome.exit_code == 4));
        CHECK((report["complete"] == true) == (outcome.exit_code == 0));
        return nullptr;
    }
    CHECK_MESSAGE(outcome.exit_code == 0, "stderr: ", outcome.err);
    return report;
}

// The kernel's record and the bytes tell the truth, whatever the error queue told.
void check_merged(const json& report) {
    constexpr std::uint64_t payload = merged_size * messages;
    const json& witnesses = report["witnesses"];
    CAPTURE(witnesses.dump());
    CHECK(causes_of(report) == Causes{"bpf-pull", "no-scatter-gather"});
    check_balances(report);
    check_payload(report, payload);
    const std::uint64_t calls = measured(report["ledger"]["send_calls"]);
    CHECK(calls >= messages);
    CHECK(witnesses["told_calls"] == calls);
    CHECK(witnesses["recorded_calls"] == calls);
    const std::uint64_t flagged = measured(witnesses["moved_flagged_bytes"]);
    const std::uint64_t late = flagged + measured(witnesses["moved_silent_bytes"]);
    const std::uint64_t again = site_bytes(report, "server", "retransmitted");
    CHECK(late >= payload);
    CHECK(late <= payload + again);
    // One byte that is copied flags its whole send, and what was sent beside it in one packet.
    const std::uint64_t recorded = measured(witnesses["recorded_copied_calls"]);
    CHECK(measured(witnesses["recorded_copied_bytes"]) + again >= flagged);
    CHECK(measured(witnesses["recorded_copied_bytes"]) <= recorded * merged_size);
    CHECK(recorded > 0);
    CHECK(recorded < calls);
}

}  // namespace

TEST_SUITE_BEGIN("provoke");

TEST_CASE("provoke: not-opted-in") {
    check("not-opted-in", {Causes{"not-opted-in"}}, Told::nothing);
}
TEST_CASE("provoke: mptcp") {
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        check("mptcp", {Causes{"mptcp"}}, Told::nothing, 16384, tier);
    }
}
TEST_CASE("provoke: ktls, whose refused calls are made again without the flag") {
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        check("ktls", {Causes{"ktls"}}, Told::nothing, 16384, tier);
    }
}
TEST_CASE("provoke: optmem-max") {
    check("optmem-max", {Causes{"optmem-max", "local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: memlock, which gives the same errno") {
    check("memlock", {Causes{"memlock", "local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: unpinnable-memory") {
    check("unpinnable-memory", {Causes{"unpinnable-memory"}}, Told::nothing);
}
TEST_CASE("provoke: route-without-scatter-gather") {
    check("route-without-scatter-gather", {Causes{"route-without-scatter-gather", "no-scatter-gather"}}, Told::copied);
}
TEST_CASE("provoke: fast-open, which copies the whole call") {
    check_fast_open("fast-open", 16384);
    check_fast_open_of("fast-open", 509, 3, 509);
}
TEST_CASE("provoke: fast-open-connect, which copies the first packet alone") {
    check_fast_open("fast-open-connect", first_packet_bytes);
    check_fast_open_of("fast-open-connect", 509, 3, 509);
    check_fast_open_of("fast-open-connect", 4093, 3, first_packet_bytes);
}
TEST_CASE("provoke: sockmap, whose copies newer kernels take for pages of the program") {
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        check_sockmap(tier);
    }
}
TEST_CASE("provoke: local-delivery") {
    check("local-delivery", {Causes{"local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: local-delivery-loopback") {
    check("local-delivery-loopback", {Causes{"local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: local-delivery-macvlan") {
    check("local-delivery-macvlan", {Causes{"local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: local-delivery-ipvlan") {
    check("local-delivery-ipvlan", {Causes{"local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: packet-tap") {
    check("packet-tap", {Causes{"packet-tap", "local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: packet-tap-on-arrival") {
    // Before Linux 6.15 a tap of any namespace gets the sender's packets as well.
    check("packet-tap-on-arrival", {Causes{"packet-tap-on-arrival"}, Causes{"packet-tap", "packet-tap-on-arrival"}},
          Told::copied);
}
TEST_CASE("provoke: packet-tap-loopback") {
    check("packet-tap-loopback", {Causes{"packet-tap", "packet-tap-on-arrival"}}, Told::copied);
}
TEST_CASE("provoke: tun-tap") {
    check("tun-tap", {Causes{"tun-tap"}}, Told::copied);
}
TEST_CASE("provoke: timestamps-with-payload") {
    check("timestamps-with-payload", {Causes{"timestamps-with-payload", "local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: no-checksum-offload, which looks like local delivery to the program") {
    check("no-checksum-offload", {Causes{"no-checksum-offload"}}, Told::copied);
}
TEST_CASE("provoke: generic-xdp") {
    check("generic-xdp", {Causes{"generic-xdp"}}, Told::copied);
}
TEST_CASE("provoke: bpf-pull") {
    check("bpf-pull", {Causes{"bpf-pull"}}, Told::copied);
}
TEST_CASE("provoke: bpf-pull-sender") {
    check("bpf-pull-sender", {Causes{"bpf-pull"}}, Told::copied);
}
TEST_CASE("provoke: tunnel-without-offload") {
    check("tunnel-without-offload", {Causes{"tunnel-without-offload"}}, Told::copied);
    check("tunnel-without-offload-gre", {Causes{"tunnel-without-offload"}}, Told::copied);
}
TEST_CASE("provoke: netem-corrupt, whose damaged packets are sent again") {
    check("netem-corrupt", {Causes{"netem-corrupt", "local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: netem-corrupt-private, which copies whole packets") {
    check("netem-corrupt-private", {Causes{"netem-corrupt", "local-delivery"}}, Told::copied, 8192);
}
TEST_CASE("provoke: macsec") {
    check("macsec", {Causes{"macsec"}}, Told::copied);
}
TEST_CASE("provoke: ipsec") {
    check("ipsec", {Causes{"ipsec"}}, Told::copied);
}
TEST_CASE("provoke: connection-helper") {
    check("connection-helper", {Causes{"connection-helper"}}, Told::copied);
}
TEST_CASE("provoke: firewall-checksum") {
    const Causes filled{"firewall-checksum"};
    check("firewall-checksum", {filled, Causes{"firewall-checksum", "local-delivery"}}, Told::copied, 8192);
}
TEST_CASE("provoke: queued-to-process, which flags the packets that need no segmentation") {
    check("queued-to-process", {Causes{"queued-to-process"}}, Told::both);
}
TEST_CASE("provoke: private-copy, which looks like zero-copy to the program") {
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        check("private-copy", {Causes{"private-copy"}}, Told::zerocopy, 8192, tier);
    }
}
TEST_CASE("provoke: wireguard, which flags the packets that need no segmentation") {
    check("wireguard", {Causes{"wireguard"}}, Told::both);
}
TEST_CASE("provoke: fragmented") {
    // Before Linux 6.17 the router has copied the packets when it cuts them up. Since, a short last one may fit.
    check("fragmented", {Causes{"fragmented"}, Causes{"fragmented", "local-delivery"}, Causes{"forwarded-copy"}},
          Told::copied);
}
TEST_CASE("provoke: packet-tap-before-tun, two causes at once") {
    check("packet-tap-before-tun", {Causes{"packet-tap", "tun-tap"}}, Told::copied);
}
TEST_CASE("provoke: packet-tap-after-checksum, where the tap finds nothing left to copy") {
    check("packet-tap-after-checksum", {Causes{"no-checksum-offload"}}, Told::copied);
}
TEST_CASE("provoke: no-scatter-gather, which looks like zero-copy to the program") {
    check("no-scatter-gather", {Causes{"no-scatter-gather"}}, Told::zerocopy);
}
TEST_CASE("provoke: native-xdp, which looks like zero-copy to the program") {
    check("native-xdp", {Causes{"native-xdp"}}, Told::zerocopy);
}
TEST_CASE("provoke: routed, bridged, tunnelled, segmented, mirrored: no copy of their own") {
    // Before Linux 6.17 a packet is copied where it is forwarded, and not again where it is delivered.
    check("routed", {Causes{"local-delivery"}, Causes{"forwarded-copy"}}, Told::copied);
    for (const char* scenario :
         {"bridged", "tunnel", "tunnel-ipip", "tunnel-gre", "tunnel-segments", "no-segmentation-offload"}) {
        CAPTURE(scenario);
        check(scenario, {Causes{"local-delivery"}}, Told::copied);
    }
    // The same goes for the clone that ends in a third namespace.
    check("mirrored", {Causes{"local-delivery"}, Causes{"local-delivery", "forwarded-copy"}}, Told::copied);
}
TEST_CASE("provoke: messages of many pages and of few bytes") {
    check("many-pages", {Causes{"local-delivery"}}, Told::copied, 1048576);
    check("small-sends", {Causes{"local-delivery"}}, Told::copied, 509);
}
TEST_CASE("provoke: calls without bytes, which get no completion") {
    check("empty-sends", {Causes{"local-delivery"}}, Told::copied);
}
TEST_CASE("provoke: packets that are lost are sent again, and copied once") {
    check("lost-packets", {Causes{"local-delivery"}}, Told::copied);
}

// Half of the packets are copied by a function that sets the flag, the others by one that does not. Their notifications
// merge while nobody reads them, and the flag of the first one stands for all.
TEST_CASE("provoke: merged-completions, where only the error queue is wrong") {
    constexpr int attempts = 3;  // where several merged notifications are read, their errors may cancel out
    for (const char* tier : {"auto", "tracepoint"}) {
        CAPTURE(tier);
        json witnesses;
        for (int attempt = 0; attempt < attempts; ++attempt) {
            const json report = provoked_merge(tier);
            if (report.is_null()) {
                return;
            }
            witnesses = report["witnesses"];
            check_merged(report);
            if (witnesses["told_copied_calls"] != witnesses["recorded_copied_calls"]) {
                break;
            }
        }
        CHECK(witnesses["told_copied_calls"] != witnesses["recorded_copied_calls"]);
        CHECK(witnesses["sentences"].dump().find("the error queue is wrong") != std::string::npos);
    }
}

TEST_CASE("provoke: nothing that was measured contradicts what was predicted") {
    std::size_t foreseen = 0;
    for (const json& proof : proofs()) {
        CAPTURE(proof["scenario"]);
        if (proof.contains("prediction")) {
            CHECK_MESSAGE(proof["prediction"]["verdict"] != "WRONG", proof["prediction"].dump());
            foreseen += proof["prediction"]["verdict"] == "foreseen" ? 1 : 0;
        }
    }
    CHECK(foreseen >= 25);
    for (const char* scenario : {"local-delivery", "packet-tap", "packet-tap-on-arrival", "no-scatter-gather", "routed",
                                 "local-delivery-loopback", "small-sends"}) {
        CAPTURE(scenario);
        CHECK(element(proofs(), "scenario", scenario)["prediction"]["verdict"] == "foreseen");
    }
}

TEST_CASE("provoke: an unknown scenario and an unknown cause name the nearest") {
    const Outcome scenario = run_trace({"--provoke", "packet-tab"});
    CHECK(scenario.exit_code == 2);
    CHECK(scenario.err.find("--provoke packet-tap") != std::string::npos);
    const Outcome cause = run_trace({"explain", "memlok"});
    CHECK(cause.exit_code == 2);
    CHECK(cause.err.find("netio-trace explain memlock") != std::string::npos);
}

TEST_CASE("provoke: what this kernel cannot provoke is one error that says what it lacks") {
    const json& all = proofs();
    const auto lacking = std::find_if(all.begin(), all.end(), [](const json& p) { return p["outcome"] == "skipped"; });
    if (lacking == all.end()) {
        netio::cases::skip("this kernel has all of them");
        return;
    }
    const std::string scenario = (*lacking)["scenario"];
    const Outcome outcome = run_trace({"--provoke", scenario, "--messages", "1"});
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with("netio-trace: this kernel cannot provoke " + scenario + ": "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("provoke: without root nothing is provoked, and the reason is given") {
    const Outcome outcome = run_trace({"--provoke", "packet-tap"}, true);
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.err.find("sudo") != std::string::npos);
}

TEST_SUITE_END();
