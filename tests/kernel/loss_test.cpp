// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tool.h"

// Events carry explanations only: where the ring buffer is too small for them, not one byte may be missing.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t size = 16384;
std::uint64_t messages() {
    return scaled(97);
}
constexpr std::uint64_t threads = 64;

json report_with_ring(const std::string& ring) {
    return report_of({"--ring", ring, "--threads", std::to_string(threads), "--size", std::to_string(size),
                      "--messages", std::to_string(messages()), "--no-counters"});
}

bool warns_of_loss(const json& report) {
    const json& warnings = report["warnings"];
    return std::any_of(warnings.begin(), warnings.end(), [](const json& warning) {
        return warning.get<std::string>().find("events were lost") != std::string::npos;
    });
}

void check_exact(const json& report) {
    const std::uint64_t payload = size * messages() * threads;
    const std::uint64_t retransmitted = site_bytes(report, "server", "retransmitted");
    check_balances(report);
    check_payload(report, payload);
    CHECK(report["capture"]["untracked_sockets"] == 0);
    std::uint64_t late = 0;
    for (const json& copy : report["capture"]["late_copies"]) {
        late += copy["bytes"].get<std::uint64_t>();
    }
    CHECK(late >= payload);
    CHECK(late <= payload + retransmitted);
    CHECK(warns_of_loss(report) == (report["capture"]["lost_events"] != 0));
}

}  // namespace

TEST_SUITE_BEGIN("loss");

TEST_CASE("loss: a ring buffer of one page loses events, says so, and loses no byte") {
    bool lost = false;
    // Whether the page fills up between two readings is a matter of scheduling; that it never does is not credible.
    for (int attempt = 0; attempt < 5 && !lost; ++attempt) {
        const json report = report_with_ring("4K");
        check_exact(report);
        lost = report["capture"]["lost_events"] != 0;
    }
    CHECK(lost);
}

TEST_CASE("loss: the ring buffer of the default size loses nothing") {
    const json report = report_with_ring("256K");
    check_exact(report);
    CHECK(report["capture"]["lost_events"] == 0);
}

TEST_SUITE_END();
