// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "tool.h"

// --timing, --timeline and --overhead: what the stages of the data path cost, and what it costs to know.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t messages = 97;

Arguments timed(const std::string& mode) {
    return {"--mode", mode, "--size", "16384", "--messages", std::to_string(messages), "--timing"};
}

json stage(const json& report, const std::string& id) {
    return element(report["timing"]["stages"], "id", id);
}

bool is_entered(const json& report, const std::string& id) {
    const json calls = stage(report, id)["calls"];
    return calls.is_number() && calls.get<std::uint64_t>() != 0;
}

std::uint64_t calls_of(const json& report, const std::string& id, const std::string& role) {
    const json timed_stage = element(report["capture"]["timing"]["stages"], "id", id);
    for (const json& passages : timed_stage["passages"]) {
        if (passages["role"] == role) {
            return passages["calls"].get<std::uint64_t>();
        }
    }
    return 0;
}

// Where no program hangs on the functions of a stage, it is n/a with the reason.
bool is_seen(const json& report, const std::string& id) {
    return stage(report, id)["calls"].is_number();
}

void check_adds_up(const json& report) {
    double share = 0;
    double ns = 0;
    for (const json& row : report["timing"]["stages"]) {
        CAPTURE(row.dump());
        share += row["share"].get<double>();
        if (row["waiting"] == false && row["ns_per_byte"].is_number()) {
            ns += row["ns_per_byte"].get<double>();
        }
        CHECK((row["calls"].is_number() || row["functions"].empty()));
    }
    CHECK(share == doctest::Approx(1));
    CHECK(ns == doctest::Approx(report["timing"]["total"]["ns_per_byte"].get<double>()));
}

}  // namespace

TEST_SUITE_BEGIN("timing");

TEST_CASE("timing: each mode passes through its own stages, and they add up") {
    for (const std::string mode : {"one-copy", "zerocopy"}) {
        CAPTURE(mode);
        const json report = report_of(timed(mode));
        check_adds_up(report);
        // A call that begins before the measured phase is not among them.
        CHECK(calls_of(report, "send", "server") + 1 >= messages);
        CHECK(is_entered(report, "softirq"));
        CHECK(is_entered(report, "waiting"));
        if (is_seen(report, "copy-in")) {
            CHECK(is_entered(report, "copy-in") == (mode == "one-copy"));
        }
        if (is_seen(report, "late-copy")) {  // where any function can be probed, this one can
            CHECK(is_entered(report, "late-copy") == (mode == "zerocopy"));
            CHECK(is_entered(report, "pin") == (mode == "zerocopy"));
            CHECK(is_entered(report, "copy-out"));
        }
    }
}

TEST_CASE("timing: the timeline holds every passage, each inside of the measured phase") {
    const Folder folder;
    const std::string file = folder.path() + "/timeline.json";
    Arguments arguments = timed("zerocopy");
    arguments.insert(arguments.end(), {"--timeline", file});
    const json report = report_of(arguments);
    const json timeline = json_in(file);
    REQUIRE(timeline.is_object());
    CHECK(timeline["otherData"]["lost_passages"] == 0);
    std::uint64_t sends = 0;
    for (const json& event : timeline["traceEvents"]) {
        sends += event["name"] == "send call" ? 1 : 0;
    }
    CHECK(sends == calls_of(report, "send", "server") + calls_of(report, "send", "client"));
}

TEST_CASE("overhead: the probes' runs are counted, and add up") {
    const json report = report_of({"--messages", std::to_string(messages), "--overhead"});
    const json& overhead = report["overhead"];
    CHECK(overhead["runs"].get<std::uint64_t>() >= messages);
    CHECK(overhead["ns_per_send"].get<double>() > 0);
    CHECK(overhead["share"].get<double>() < 1);
    std::uint64_t runs = 0;
    for (const json& program : overhead["programs"]) {
        runs += program["runs"].get<std::uint64_t>();
    }
    CHECK(runs == overhead["runs"].get<std::uint64_t>());
}

TEST_SUITE_END();
