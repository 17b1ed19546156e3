// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "tool.h"

// A kernel that lets nothing be traced, as in a container whose runtime denies bpf(2): the workload runs all the same,
// and the report has what the program itself can know, and for everything else the reason.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t messages = 251;
constexpr std::uint64_t size = 16384;
const Arguments few_messages{"--messages", std::to_string(messages), "--size", std::to_string(size), "--warmup",
                             "20ms"};

Confinement refusing(std::vector<int> calls) {
    return {false, std::move(calls)};
}

Outcome traced(const Confinement& confinement, const Arguments& more) {
    Arguments arguments = few_messages;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_trace(arguments, confinement);
}

bool is_missing(const json& figure, const std::string& reason) {
    return figure.is_object() && figure.value("missing", std::string{}).find(reason) != std::string::npos;
}

// What the program knows of itself is there, and nothing that only the kernel knows.
void check_workload_alone(const json& report) {
    const json& witnesses = report["witnesses"];
    CHECK(measured(witnesses["told_calls"]) >= messages);
    CHECK(measured(witnesses["told_copied_calls"]) <= measured(witnesses["told_calls"]));
    CHECK(report["throughput_bits_per_second"].get<double>() > 0);
    CHECK(measured(report["ledger"]["payload_bytes"]) == messages * size);
    CHECK(element(report["ledger"]["balances"], "id", "delivered")["unexplained"] == 0);
    for (const char* figure :
         {"recorded_calls", "recorded_copied_calls", "moved_flagged_bytes", "moved_silent_bytes"}) {
        CAPTURE(figure);
        CHECK(is_missing(witnesses[figure], "nothing could be traced"));
    }
    CHECK(is_missing(report["ledger"]["unexplained_bytes"], "nothing could be traced"));
    CHECK(is_missing(report["ledger"]["copies_per_byte"], "nothing could be traced"));
    CHECK(witnesses["agree"] == false);
    CHECK(report["complete"] == false);
    CHECK(report["causes"].empty());
}

// Every probe says why it is missing, and the first warning says it for all of them.
void check_reasons(const json& report) {
    const std::string reason = "Operation not permitted (EPERM), and a seccomp filter is in force";
    CHECK(report["coverage"].size() >= 8);
    for (const json& probe : report["coverage"]) {
        CAPTURE(probe.dump());
        CHECK(probe["tier"] == "none");
        CHECK(probe["refused"].dump().find(reason) != std::string::npos);
    }
    REQUIRE_FALSE(report["warnings"].empty());
    CHECK(report["warnings"][0].get<std::string>().find(reason) != std::string::npos);
    CHECK(report["warnings"][0].get<std::string>().find("; try: ") != std::string::npos);
}

void check_no_line_is_wider(const std::string& text, std::size_t columns) {
    std::size_t width = 0;
    for (const char byte : text) {
        const bool continues = (static_cast<unsigned char>(byte) & 0xC0) == 0x80;  // of a UTF-8 sequence
        width = byte == '\n' ? 0 : width + (continues ? 0 : 1);
        CHECK(width <= columns);
    }
}

}  // namespace

TEST_SUITE_BEGIN("refused");

TEST_CASE("refused: without bpf(2) the workload runs, and the report says what is missing and why") {
    const Outcome outcome = traced(refusing({SYS_bpf}), {"--json"});
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.err.empty());
    const json report = parse_report(outcome);
    check_workload_alone(report);
    check_reasons(report);
    CHECK(measured(element(report["counters"], "event", "task-clock")["total"]) > 0);
}

TEST_CASE("refused: without bpf(2) and perf_event_open(2) the counters have their reason as well") {
    const Outcome outcome = traced(refusing({SYS_bpf, SYS_perf_event_open}), {"--json"});
    CHECK(outcome.exit_code == 3);
    const json report = parse_report(outcome);
    check_workload_alone(report);
    check_reasons(report);
    for (const json& reading : report["capture"]["counters"]) {
        CHECK(is_missing(reading["count"], "a seccomp filter is in force"));
    }
}

TEST_CASE("refused: the text says it first, once, and in few lines") {
    const Outcome outcome = traced(refusing({SYS_bpf, SYS_perf_event_open}), {});
    CHECK(outcome.exit_code == 3);
    const auto first = outcome.out.find("! no probe could be attached: ");
    const auto verdict = outcome.out.find("The workload ran, but nothing of it could be traced");
    const auto claim = outcome.out.find("Said");
    REQUIRE(verdict != std::string::npos);
    CHECK(first < verdict);
    CHECK(verdict < claim);
    CHECK(outcome.out.find("for all of these: ") != std::string::npos);
    CHECK(std::regex_search(outcome.out, std::regex("\\b0 of [0-9]+ probes attached")));
    CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') < 70);
    check_no_line_is_wider(outcome.out, 80);
}

TEST_CASE("refused: looked at again, a saved run is what it was") {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("netio-refused-" + std::to_string(::getpid()) + ".json");
    const Outcome run = traced(refusing({SYS_bpf}), {"--json", file.string()});
    const Outcome again = run_trace({"replay", file.string()});
    std::filesystem::remove(file);
    CHECK(run.exit_code == 3);
    CHECK(again.exit_code == 3);
    CHECK(again.out == run.out);
}

TEST_CASE("refused: in a copying mode nobody was told anything") {
    const Outcome outcome = traced(refusing({SYS_bpf}), {"--mode", "one-copy"});
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.out.find("nothing of it could be traced") != std::string::npos);
    CHECK(outcome.out.find("was told") == std::string::npos);
}

TEST_CASE("refused: a tier that was asked for by name is no tier to go without") {
    for (const char* tier : {"fentry", "kprobe", "tracepoint"}) {
        CAPTURE(tier);
        const Outcome outcome = traced(refusing({SYS_bpf, SYS_perf_event_open}), {"--tier", tier});
        CHECK(outcome.exit_code == 3);
        CHECK(outcome.out.empty());
        CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
        CHECK(outcome.err.find("; try: ") != std::string::npos);
    }
}

TEST_CASE("refused: what is not to be traced misses nothing") {
    const Outcome outcome = traced(refusing({SYS_bpf, SYS_perf_event_open}), {"--tier", "none", "--json"});
    CHECK(outcome.exit_code == 0);
    CHECK(parse_report(outcome)["complete"] == true);
}

TEST_SUITE_END();
