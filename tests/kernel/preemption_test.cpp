// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "tool.h"

// Many more threads than processors, so that tasks are preempted inside of the programs that look at them, where the
// kernel preempts at all. While a task waits in a program, the kernel skips the program for all others of that CPU. One
// program alone misses 5 to 10 of 100 send calls so (Linux 6.12 with preempt=full, and 7.2, emulated, two processors);
// four copies of it (bpf/preemption.h) a few of 10 000, and most runs none.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t threads = 16;
constexpr std::uint64_t messages = 499;
constexpr std::uint64_t size = 4096;
constexpr std::uint64_t payload = threads * messages * size;
constexpr std::uint64_t tolerated = payload / 500;

json crowded(const std::string& mode) {
    const Outcome outcome =
        run_trace({"--mode", mode, "--threads", std::to_string(threads), "--messages", std::to_string(messages),
                   "--size", std::to_string(size), "--warmup", "20ms", "--no-counters", "--json"});
    CAPTURE(outcome.err);
    CHECK_FALSE(outcome.hung);
    json report = parse_report(outcome);
    CHECK(outcome.exit_code == (report["complete"] == true ? 0 : 4));
    return report;
}

// What was missed is little, and a report with anything missed does not call itself complete.
void check_seen(const json& report) {
    std::uint64_t missed = 0;
    for (const json& balance : report["ledger"]["balances"]) {
        CAPTURE(balance.dump());
        const json& unexplained = balance["unexplained"];
        if (balance["id"] == "completed" && !unexplained.is_number()) {
            missed += 1;  // the completion of a call whose beginning was missed has no bytes
            continue;
        }
        CHECK(measured(unexplained) <= tolerated);
        missed += measured(unexplained);
    }
    CHECK((report["complete"] == true) == (missed == 0));
    CHECK(measured(report["ledger"]["payload_bytes"]) == payload);
}

}  // namespace

TEST_SUITE_BEGIN("preemption");

TEST_CASE("preemption: of one-copy sends by many threads next to none is missed") {
    check_seen(crowded("one-copy"));
}

TEST_CASE("preemption: of zero-copy sends by many threads next to none is missed") {
    check_seen(crowded("zerocopy"));
}

TEST_SUITE_END();
