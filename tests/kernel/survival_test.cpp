// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <string>

#include "remains.h"
#include "tool.h"

// Runs that meet each other, runs that lose a process, and runs that are told to stop: the report is exact or there is
// one error, and nothing is left on the machine.

using namespace netio::e2e;
using nlohmann::json;

namespace {

// A run with all four processes that would go on for much longer than the test looks at it.
const Arguments long_run{"--provoke", "packet-tap", "--size", "16K", "--duration", "40s", "--warmup", "10ms", "--json"};

struct MiddleOfRun {
    Program trace;
    Remains remains;
};

MiddleOfRun middle_of_run(const Arguments& arguments) {
    Program trace = Program::start("netio-trace", arguments);
    working_server(trace.pid());
    Remains remains(trace.pid());
    return {std::move(trace), std::move(remains)};
}

// A test that looks for what was never there proves nothing.
void check_there_is_something(const Remains& remains) {
    CHECK(remains.processes() == 4);
    CHECK(remains.namespaces() == 2);
    CHECK(remains.objects("prog").size() >= 5);
    CHECK(remains.objects("map").size() >= 5);
    CHECK(remains.objects("link").size() >= 5);
    const auto names = remains.program_names();
    CHECK(std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.starts_with("tp_") || name.starts_with("fe_") || name.starts_with("kp_");
    }));
}

void kill_in_the_middle(MiddleOfRun& run, pid_t victim, int signal) {
    check_there_is_something(run.remains);
    REQUIRE(::kill(victim, signal) == 0);
}

void check_one_line_about(const Outcome& outcome, const std::string& process) {
    CAPTURE(outcome.err);
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.exit_code == 4);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.starts_with("netio-trace: "));
    CHECK(outcome.err.find(process + " was killed by SIGKILL") != std::string::npos);
    CHECK(outcome.err.find("; try: ") != std::string::npos);
}

void check_child_killed(const std::string& name) {
    MiddleOfRun run = middle_of_run(long_run);
    kill_in_the_middle(run, child_named(run.trace.pid(), name), SIGKILL);
    check_one_line_about(run.trace.wait(), name);
    CHECK(run.remains.left_after_waiting() == "");
}

void check_stopped_by(int signal) {
    const Outcome outcome = outcome_of("stopped by a signal", [&] {
        MiddleOfRun run = middle_of_run(long_run);
        kill_in_the_middle(run, run.trace.pid(), signal);
        Outcome ended = run.trace.wait();
        CHECK(run.remains.left_after_waiting() == "");
        return ended;
    });
    CAPTURE(outcome.err);
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.signal == 0);
    CHECK(outcome.exit_code == 4);
    const json report = parse_report(outcome);
    CHECK(report["interrupted"].get<std::string>() != "");
    CHECK(report["complete"] == false);
    CHECK(measured(report["ledger"]["payload_bytes"]) > 0);
    CHECK(measured(report["ledger"]["unexplained_bytes"]) == 0);
    CHECK_FALSE(element(report["causes"], "cause", "local-delivery").empty());
}

// A run that is told to end before it measures. It is stopped for a look at it: what it does next is to get the signal.
void check_ended_before_measuring(Program trace, int signal, const std::string& phase) {
    REQUIRE(::kill(trace.pid(), SIGSTOP) == 0);
    REQUIRE(becomes_true([&] { return is_stopped(trace.pid()); }));
    Remains remains(trace.pid());
    CHECK(remains.processes() >= 2);
    CHECK(remains.namespaces() == 2);
    REQUIRE(::kill(trace.pid(), signal) == 0);
    REQUIRE(::kill(trace.pid(), SIGCONT) == 0);
    const Outcome outcome = trace.wait();
    CAPTURE(outcome.err);
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.exit_code == 128 + signal);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.starts_with(std::string("netio-trace: interrupted by ") +
                                  (signal == SIGINT ? "SIGINT" : "SIGTERM") + " while "));
    CHECK(outcome.err.ends_with(": nothing was measured\n"));
    CHECK(outcome.err.find(phase) != std::string::npos);
    CHECK(remains.left_after_waiting() == "");
}

// With a warm-up this long a run that does not answer to signals before it measures hangs.
const Arguments long_warm_up{"--provoke", "packet-tap", "--size", "16K", "--warmup", "1h", "--json"};

void check_ended_when_starts(const std::string& child, int signal) {
    Program trace = Program::start("netio-trace", long_warm_up);
    child_named(trace.pid(), child);
    check_ended_before_measuring(std::move(trace), signal, "");
}

void check_ended_in_warm_up(int signal) {
    Program trace = Program::start("netio-trace", long_warm_up);
    working_server(trace.pid());
    check_ended_before_measuring(std::move(trace), signal, "while warming up");
}

std::uint64_t side_by_side_messages() {
    return scaled(9973);
}
std::uint64_t side_by_side_bytes() {
    return 4093 * side_by_side_messages() * 2;
}

std::array<Outcome, 2> run_side_by_side() {
    const Arguments arguments{"--size",    "4093", "--messages", std::to_string(side_by_side_messages()),
                              "--threads", "2",    "--json"};
    Program one = Program::start("netio-trace", arguments);
    Program two = Program::start("netio-trace", arguments);
    return {one.wait(), two.wait()};
}

// Each starts and ends while the other measures, which is when tracepoints were seen to skip programs.
bool any_says_probes_were_skipped(const std::array<Outcome, 2>& outcomes) {
    return std::any_of(outcomes.begin(), outcomes.end(), says_probes_were_skipped);
}

void check_local_delivery_only(const json& report) {
    REQUIRE(report["causes"].size() == 1);
    CHECK(report["causes"][0]["cause"] == "local-delivery");
    const std::uint64_t late = measured(report["causes"][0]["bytes"]);
    CHECK(late >= side_by_side_bytes());
    CHECK(late <= side_by_side_bytes() + site_bytes(report, "server", "retransmitted"));
}

}  // namespace

TEST_SUITE_BEGIN("survival");

TEST_CASE("survival: two runs side by side are both exact") {
    for (std::uint64_t round = 0; round < scaled(3); ++round) {
        std::array<Outcome, 2> outcomes = run_side_by_side();
        for (int repeated = 0; repeated < repetitions && any_says_probes_were_skipped(outcomes); ++repeated) {
            tell_repetition("two side by side");
            outcomes = run_side_by_side();
        }
        for (const Outcome& outcome : outcomes) {
            CAPTURE(outcome.err);
            REQUIRE_FALSE(outcome.hung);
            CHECK(outcome.exit_code == 0);
            const json report = parse_report(outcome);
            check_balances(report);
            check_payload(report, side_by_side_bytes());
            check_local_delivery_only(report);
            CHECK(report["taps"] == json::array());
        }
    }
}

TEST_CASE("survival: a run that ends by itself leaves nothing") {
    const Outcome outcome = outcome_of("ends by itself", [] {
        MiddleOfRun run = middle_of_run({"--provoke", "packet-tap", "--size", "16K", "--duration", "3s", "--json"});
        check_there_is_something(run.remains);
        Outcome ended = run.trace.wait();
        CHECK(run.remains.left_after_waiting() == "");
        return ended;
    });
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("survival: kill -9 of netio-trace leaves nothing") {
    MiddleOfRun run = middle_of_run(long_run);
    kill_in_the_middle(run, run.trace.pid(), SIGKILL);
    CHECK(run.trace.wait().signal == SIGKILL);
    CHECK(run.remains.left_after_waiting() == "");
}

TEST_CASE("survival: kill -9 of the server is one error and leaves nothing") {
    check_child_killed("netio-server");
}

TEST_CASE("survival: kill -9 of the client is one error and leaves nothing") {
    check_child_killed("netio-client");
}

TEST_CASE("survival: kill -9 of the tap does not end the run, which is exact and leaves nothing") {
    const Outcome outcome = outcome_of("its tap killed", [] {
        MiddleOfRun run = middle_of_run({"--provoke", "packet-tap", "--size", "16K", "--duration", "2s", "--json"});
        kill_in_the_middle(run, child_named(run.trace.pid(), "netio-tap"), SIGKILL);
        Outcome ended = run.trace.wait();
        CHECK(run.remains.left_after_waiting() == "");
        return ended;
    });
    CHECK(outcome.exit_code == 0);
    const json report = parse_report(outcome);
    check_balances(report);
    const json tap = element(report["causes"], "cause", "packet-tap");
    // Where it was killed before the first measured packet, it has copied nothing.
    CHECK((tap.empty() || tap["who"].get<std::string>().starts_with("netio-tap (pid ")));
}

TEST_CASE("survival: Ctrl-C gives a partial report and leaves nothing") {
    check_stopped_by(SIGINT);
}

TEST_CASE("survival: SIGTERM gives a partial report and leaves nothing") {
    check_stopped_by(SIGTERM);
}

TEST_CASE("survival: Ctrl-C during the warm-up is one line and leaves nothing") {
    check_ended_in_warm_up(SIGINT);
}

TEST_CASE("survival: SIGTERM during the warm-up is one line and leaves nothing") {
    check_ended_in_warm_up(SIGTERM);
}

// The tap starts before the probes are attached, the client after that.
TEST_CASE("survival: a signal during the set-up is one line and leaves nothing") {
    check_ended_when_starts("netio-tap", SIGINT);
    check_ended_when_starts("netio-server", SIGTERM);
    check_ended_when_starts("netio-client", SIGINT);
}

TEST_CASE("survival: the second Ctrl-C kills a run that cannot end, and leaves nothing") {
    MiddleOfRun run = middle_of_run(long_run);
    // A server that does not answer: the first signal has nothing to show for.
    REQUIRE(::kill(child_named(run.trace.pid(), "netio-server"), SIGSTOP) == 0);
    kill_in_the_middle(run, run.trace.pid(), SIGINT);
    REQUIRE(becomes_true([&] { return !blocks(run.trace.pid(), SIGINT); }));
    CHECK(is_running(run.trace.pid()));
    REQUIRE(::kill(run.trace.pid(), SIGINT) == 0);
    const Outcome outcome = run.trace.wait();
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.signal == SIGINT);
    CHECK(run.remains.left_after_waiting() == "");
}

TEST_SUITE_END();
