// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "cases.h"
#include "tool.h"

// Each tier alone, forced, and the mixture that the tool chooses: every byte is accounted for, and the books are those
// of the other tiers, byte for byte.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t messages = 47;  // a prime: no batch comes out even

struct Workload {
    std::string mode;
    std::string path;
    std::uint64_t size;

    std::uint64_t bytes() const { return size * messages; }
    auto key() const { return std::tie(mode, path, size); }
    bool operator<(const Workload& other) const { return key() < other.key(); }
};

// What a kernel lacks is told by the tool itself, in the words of its user. Empty: this kernel has the tier.
const std::string& refusal(const std::string& tier) {
    static std::map<std::string, std::string> known;
    const auto found = known.find(tier);
    if (found != known.end()) {
        return found->second;
    }
    const Outcome outcome = outcome_of("tier " + tier, [&] {
        return run_trace({"--tier", tier, "--size", "8", "--messages", "1", "--json"});
    });
    CAPTURE(outcome.err);
    REQUIRE_FALSE(outcome.hung);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 3));
    if (outcome.exit_code == 0) {
        return known[tier];
    }
    const std::string begin = "netio-trace: tier " + tier + " cannot ";
    REQUIRE(outcome.err.starts_with(begin));
    return known[tier] = outcome.err.substr(13, outcome.err.find("; try: ") - 13);
}

const char* sizes_of(const std::string& tier) {
    return tier == "auto" ? "4093" : "4093,16384,1048576";  // by itself it chooses one of the tiers, which have theirs
}

// Every mode, unless the environment variable NETIO_TEST_MODES names those that are asked for.
std::string modes() {
    const char* wanted = std::getenv("NETIO_TEST_MODES");
    return wanted != nullptr ? wanted : "two-copy,per-field,one-copy,zerocopy";
}

Workload workload_of(const json& report) {
    const json& spec = report["spec"];
    return {spec["mode"], spec["path"], spec["size_bytes"]};
}

using Reports = std::map<Workload, json>;

Reports run_sweep(const std::string& tier) {
    const Folder folder;
    const Outcome outcome =
        run_trace_for(24, {"sweep", "--tier", tier, "--modes", modes(), "--paths", "veth,lo", "--sizes", sizes_of(tier),
                           "--threads", "1", "--messages", std::to_string(messages), "--warmup", "10ms", "--seed", "7",
                           "-o", folder.path() + "/sweep"});
    CAPTURE(outcome.err);
    REQUIRE_FALSE(outcome.hung);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 4));  // each report says what was incomplete
    Reports reports;
    for (const auto& file : std::filesystem::directory_iterator(folder.path() + "/sweep/runs")) {
        const json report = json_in(file.path());
        CHECK(reports.emplace(workload_of(report), report).second);
    }
    return reports;
}

// All workloads of a tier are run in one go, with its probes attached once.
const Reports& reports_of(const std::string& tier) {
    static std::map<std::string, Reports> known;
    const auto found = known.find(tier);
    return found != known.end() ? found->second : known.emplace(tier, run_sweep(tier)).first->second;
}

json report_of_tier(const std::string& tier, const Workload& workload) {
    const Reports& reports = reports_of(tier);
    const auto found = reports.find(workload);
    REQUIRE(found != reports.end());
    if (!report_says_probes_were_skipped(found->second)) {
        return found->second;
    }
    return report_of({"--tier", tier, "--mode", workload.mode, "--path", workload.path, "--size",
                      std::to_string(workload.size), "--messages", std::to_string(messages), "--warmup", "10ms"});
}

void check_attached(const json& report, const std::string& tier) {
    CHECK(!report["coverage"].empty());
    for (const json& probe : report["coverage"]) {
        CAPTURE(probe.dump());
        CHECK((tier == "auto" || probe["tier"] == tier || probe["required"] == false));
    }
}

// A retransmitted byte may be copied late once more. What is left are the books of the bytes themselves.
std::uint64_t without_retransmissions(std::uint64_t bytes, std::uint64_t payload, std::uint64_t retransmitted) {
    return bytes >= payload && bytes <= payload + retransmitted ? payload : bytes;
}

// The part of a report that does not depend on how the bytes were cut into calls and packets.
json books(const json& report) {
    const std::uint64_t payload = measured(report["ledger"]["payload_bytes"]);
    const std::uint64_t retransmitted = site_bytes(report, "server", "retransmitted");
    const auto settled = [&](const json& bytes) {
        return without_retransmissions(measured(bytes), payload, retransmitted);
    };
    json books{{"payload", payload}};
    for (const json& account : report["ledger"]["accounts"]) {
        books["accounts"][account["id"].get<std::string>()] = settled(account["bytes"]);
    }
    for (const json& cause : report["causes"]) {
        if (!cause["bytes"].is_number()) {
            continue;  // refused calls, which were made again: how many is a matter of time
        }
        books["causes"][cause["cause"].get<std::string>()] = {settled(cause["bytes"]), cause["silent"]};
    }
    const json& witnesses = report["witnesses"];
    if (witnesses["told_calls"].is_number()) {
        for (const char* figure : {"recorded_copied_bytes", "moved_flagged_bytes", "moved_silent_bytes"}) {
            books["witnesses"][figure] = settled(witnesses[figure]);
        }
        books["witnesses"]["all told"] = witnesses["told_calls"] == report["ledger"]["send_calls"];
        books["witnesses"]["all told copied"] = witnesses["told_calls"] == witnesses["told_copied_calls"];
    }
    return books;
}

// Against the books that the first tier gave for the same workload.
void check_agrees(const json& report, const std::string& tier, const Workload& workload) {
    struct First {
        std::string tier;
        json books;
    };
    static std::map<Workload, First> firsts;
    const auto [first, is_new] = firsts.try_emplace(workload, First{tier, books(report)});
    if (!is_new) {
        CAPTURE(first->second.tier);
        CHECK(books(report) == first->second.books);
    }
}

void check_workload(const std::string& tier, const Workload& workload) {
    CAPTURE(workload.size);
    const json report = report_of_tier(tier, workload);
    CHECK(report["complete"] == true);
    check_attached(report, tier);
    check_balances(report);
    check_payload(report, workload.bytes());
    check_agrees(report, tier, workload);
}

std::vector<Workload> workloads_of(const std::string& tier, const std::string& mode) {
    std::vector<Workload> workloads;
    for (const auto& entry : reports_of(tier)) {
        if (entry.first.mode == mode) {
            workloads.push_back(entry.first);
        }
    }
    CHECK(workloads.size() == (tier == "auto" ? 2 : 6));
    return workloads;
}

void check_tier(const std::string& tier, const std::string& mode) {
    if (tier != "auto" && !refusal(tier).empty()) {
        netio::cases::skip(refusal(tier));
        return;
    }
    for (const Workload& workload : workloads_of(tier, mode)) {
        CAPTURE(workload.path);
        check_workload(tier, workload);
    }
}

}  // namespace

TEST_SUITE_BEGIN("tiers");

TEST_CASE("tiers: fentry, two-copy") {
    check_tier("fentry", "two-copy");
}
TEST_CASE("tiers: fentry, per-field") {
    check_tier("fentry", "per-field");
}
TEST_CASE("tiers: fentry, one-copy") {
    check_tier("fentry", "one-copy");
}
TEST_CASE("tiers: fentry, zerocopy") {
    check_tier("fentry", "zerocopy");
}
TEST_CASE("tiers: kprobe, two-copy") {
    check_tier("kprobe", "two-copy");
}
TEST_CASE("tiers: kprobe, per-field") {
    check_tier("kprobe", "per-field");
}
TEST_CASE("tiers: kprobe, one-copy") {
    check_tier("kprobe", "one-copy");
}
TEST_CASE("tiers: kprobe, zerocopy") {
    check_tier("kprobe", "zerocopy");
}
TEST_CASE("tiers: tracepoint, two-copy") {
    check_tier("tracepoint", "two-copy");
}
TEST_CASE("tiers: tracepoint, per-field") {
    check_tier("tracepoint", "per-field");
}
TEST_CASE("tiers: tracepoint, one-copy") {
    check_tier("tracepoint", "one-copy");
}
TEST_CASE("tiers: tracepoint, zerocopy") {
    check_tier("tracepoint", "zerocopy");
}

TEST_CASE("tiers: auto, two-copy") {
    check_tier("auto", "two-copy");
}
TEST_CASE("tiers: auto, per-field") {
    check_tier("auto", "per-field");
}
TEST_CASE("tiers: auto, one-copy") {
    check_tier("auto", "one-copy");
}
TEST_CASE("tiers: auto, zerocopy") {
    check_tier("auto", "zerocopy");
}

TEST_SUITE_END();
