// SPDX-License-Identifier: MIT
#include "report/json.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "model/json.h"
#include "report_fixture.h"

namespace {

using namespace netio;

model::Capture capture_of(const model::Report& report) {
    model::Capture capture;
    capture.spec = report.spec;
    capture.environment = report.environment;
    capture.interrupted = report.interrupted;
    capture.probes = report.coverage;
    capture.taps = report.taps;
    capture.lost_events = 7;
    model::LateCopyFacts late;
    late.bytes = 6'755'631'104;
    late.stack = report.findings.empty() ? std::vector<std::string>{} : report.findings[0].stack;
    capture.late_copies = {late};
    return capture;
}

model::Json rendered(const model::Report& report) {
    return model::Json::parse(report::render_json(report, capture_of(report)));
}

}  // namespace

TEST_CASE("report json: the version stands first and the capture last, with the parts of the report between") {
    const model::Json json = rendered(test::silent_copies());
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) {
        keys.push_back(key);
    }
    CHECK(keys.front() == "schema_version");
    CHECK(keys[1] == "tool_version");
    CHECK(keys.back() == "capture");
    for (const auto* key : {"environment", "spec", "verdict", "ledger", "witnesses", "causes", "coverage", "counters",
                            "latency", "warnings", "not_seen", "interrupted", "complete", "taps", "wall_ns"}) {
        CAPTURE(key);
        CHECK(json.contains(key));
    }
    CHECK_FALSE(json.contains("findings"));
    CHECK_FALSE(json.contains("latencies"));
    CHECK_FALSE(json.contains("report"));
}

TEST_CASE("report json: figures, causes and what is missing") {
    const model::Json json = rendered(test::silent_copies());
    CHECK(json["schema_version"] == model::schema_version);
    CHECK(json["tool_version"] == "0.1.0");
    CHECK(json["spec"]["provoke"] == "no-scatter-gather");
    CHECK(json["ledger"]["payload_bytes"] == 6'755'631'104);
    CHECK(json["ledger"]["accounts"][1]["id"] == "late.no-scatter-gather");
    CHECK(json["causes"].size() == 2);
    CHECK(json["causes"][0]["cause"] == "no-scatter-gather");
    CHECK(json["causes"][0]["stack"][0] == "skb_segment");
    CHECK(json["causes"][1]["who"] == "netio-tap (pid 4711)");
    CHECK(json["latency"][0]["id"] == "send-call");
    CHECK(json["counters"][0]["total"]["missing"] == test::no_pmu);
}

TEST_CASE("report json: the capture inside is whole, so that it can be replayed") {
    const auto report = test::interrupted();
    const auto replayed = model::capture_from_json(rendered(report)["capture"]);
    REQUIRE(replayed.has_value());
    CHECK(*replayed == capture_of(report));
}

TEST_CASE("report json: text is indented by one space and ends in one line feed") {
    const auto report = test::zerocopy_over_veth();
    const std::string text = report::render_json(report, capture_of(report));
    CHECK(text.starts_with("{\n \"schema_version\": 1,\n \"tool_version\": \"0.1.0\",\n"));
    CHECK(text.ends_with("\n}\n"));
}

TEST_CASE("report json: a name that is not UTF-8 spoils nothing") {
    auto report = test::silent_copies();
    report.findings[0].who = "evil\xff\x1b";
    CHECK(rendered(report)["causes"][0]["who"] == "evil\ufffd\x1b");
}
