// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tool.h"

// Every byte accounted for, in every mode, on every path, at the sizes where the kernel changes its ways: below a
// field's natural size, just below a page, several pages, and more than a socket takes at once.

using namespace netio::e2e;
using nlohmann::json;

namespace {

struct Cell {
    std::string mode;
    std::string path;
    std::uint64_t size;
    std::uint64_t threads;

    // Primes, so that no batch of any size comes out even.
    std::uint64_t messages() const { return size >= (1U << 20) ? 53 : size == 4093 && threads == 1 ? 23 : 997; }
    std::uint64_t bytes() const { return size * threads * messages(); }
    std::uint64_t send_calls_at_least() const { return threads * messages() * (mode == "per-field" ? 8 : 1); }
};

json report_of_cell(const Cell& cell) {
    return report_of({"--mode", cell.mode, "--path", cell.path, "--size", std::to_string(cell.size), "--threads",
                      std::to_string(cell.threads), "--messages", std::to_string(cell.messages()), "--warmup", "10ms",
                      "--verify"});
}

void check_verified(const json& report, std::uint64_t bytes) {
    std::uint64_t verified = 0;
    for (const json& connection : report["capture"]["client"]["connections"]) {
        verified += connection["verified_bytes"].get<std::uint64_t>();
        CHECK(connection["corrupt_bytes"] == 0);
    }
    CHECK(verified == bytes);
}

// A retransmitted zero-copy byte may be copied late once more; nothing else may add to `copies`.
void check_copies(const json& report, std::uint64_t copies, std::uint64_t bytes, std::uint64_t retransmitted) {
    REQUIRE(report["ledger"]["copies_per_byte"].is_number());
    const double total = report["ledger"]["copies_per_byte"].get<double>() * static_cast<double>(bytes);
    const double least = static_cast<double>(copies * bytes);
    CHECK(total > least - 0.5);
    CHECK(total < least + static_cast<double>(retransmitted) + 0.5);
}

void check_copy_mode(const json& report, const Cell& cell) {
    CHECK(report["causes"] == json::array());
    CHECK(report["capture"]["late_copies"] == json::array());
    CHECK(measured(element(report["ledger"]["accounts"], "id", "sent.copied")["bytes"]) == cell.bytes());
    CHECK(element(report["ledger"]["accounts"], "id", "sent.pinned").empty());
    CHECK_FALSE(report["witnesses"]["told_calls"].is_number());
    check_copies(report, cell.mode == "two-copy" ? 3 : 2, cell.bytes(), 0);
}

// On kernels before 6.17 the core of the receiving stack copies, since then the last step before the socket does.
bool delivers_locally(const json& stack) {
    const auto has = [&](const char* function) {
        return std::find(stack.begin(), stack.end(), function) != stack.end();
    };
    return !stack.empty() && stack[0] == "skb_copy_ubufs" &&
           (has("ip_local_deliver_finish") || has("__netif_receive_skb_core"));
}

void check_local_delivery(const json& report, const Cell& cell, std::uint64_t retransmitted) {
    REQUIRE(report["causes"].size() == 1);
    const json& cause = report["causes"][0];
    CHECK(cause["cause"] == "local-delivery");
    CHECK(cause["silent"] == false);
    CHECK(delivers_locally(cause["stack"]));
    CHECK(cause["device"].get<std::string>().find(cell.path) != std::string::npos);
    const std::uint64_t late = measured(cause["bytes"]);
    CHECK(late >= cell.bytes());
    CHECK(late <= cell.bytes() + retransmitted);
    CHECK(measured(element(report["ledger"]["accounts"], "id", "late.local-delivery")["bytes"]) == late);
}

void check_witnesses(const json& report, std::uint64_t retransmitted) {
    const json& witnesses = report["witnesses"];
    CHECK(witnesses["told_calls"] == report["ledger"]["send_calls"]);
    CHECK(witnesses["recorded_calls"] == report["ledger"]["send_calls"]);
    CHECK(witnesses["moved_silent_bytes"] == 0);
    CHECK(witnesses["moved_clone_bytes"] == 0);
    REQUIRE(!witnesses["sentences"].empty());
    const std::string said = witnesses["sentences"][0].get<std::string>();
    const bool says_agree = witnesses["sentences"].size() == 1 && said.starts_with("they agree");
    CHECK(witnesses["agree"] == says_agree);
    // Where they differ the report has to say so. What was retransmitted was copied again, and is said as well.
    const std::uint64_t recorded = measured(witnesses["recorded_copied_bytes"]);
    const std::uint64_t moved = measured(witnesses["moved_flagged_bytes"]);
    const bool differ = witnesses["told_copied_calls"] != witnesses["recorded_copied_calls"] || moved < recorded ||
                        moved - recorded > retransmitted;
    CHECK((said == "they agree") == (!differ && moved == recorded));
    CHECK(says_agree == !differ);
}

void check_zerocopy(const json& report, const Cell& cell) {
    const std::uint64_t retransmitted = site_bytes(report, "server", "retransmitted");
    CAPTURE(retransmitted);
    CHECK(measured(element(report["ledger"]["accounts"], "id", "sent.pinned")["bytes"]) == cell.bytes());
    CHECK(element(report["ledger"]["accounts"], "id", "sent.copied").empty());
    check_local_delivery(report, cell, retransmitted);
    check_witnesses(report, retransmitted);
    check_copies(report, 2, cell.bytes(), retransmitted);
}

void check_cell(const Cell& cell) {
    CAPTURE(cell.mode);
    CAPTURE(cell.path);
    CAPTURE(cell.size);
    CAPTURE(cell.threads);
    const json report = report_of_cell(cell);
    CHECK(report["complete"] == true);
    CHECK(report["warnings"] == json::array());
    CHECK(report["capture"]["sockets"].size() == 2 * cell.threads);
    CHECK(measured(report["ledger"]["send_calls"]) >= cell.send_calls_at_least());
    check_balances(report);
    check_payload(report, cell.bytes());
    check_verified(report, cell.bytes());
    if (cell.mode == "zerocopy") {
        check_zerocopy(report, cell);
    } else {
        check_copy_mode(report, cell);
    }
}

void check_mode(const std::string& mode, const std::string& path) {
    for (const std::uint64_t size : {8U, 4093U, 16384U, 1048576U}) {
        for (const std::uint64_t threads : {1U, 4U}) {
            check_cell({mode, path, size, threads});
        }
    }
}

}  // namespace

TEST_SUITE_BEGIN("matrix");

TEST_CASE("matrix: two-copy over veth") {
    check_mode("two-copy", "veth");
}
TEST_CASE("matrix: two-copy over lo") {
    check_mode("two-copy", "lo");
}
TEST_CASE("matrix: per-field over veth") {
    check_mode("per-field", "veth");
}
TEST_CASE("matrix: per-field over lo") {
    check_mode("per-field", "lo");
}
TEST_CASE("matrix: one-copy over veth") {
    check_mode("one-copy", "veth");
}
TEST_CASE("matrix: one-copy over lo") {
    check_mode("one-copy", "lo");
}
TEST_CASE("matrix: zerocopy over veth") {
    check_mode("zerocopy", "veth");
}
TEST_CASE("matrix: zerocopy over lo") {
    check_mode("zerocopy", "lo");
}

TEST_SUITE_END();
