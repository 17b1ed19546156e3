// SPDX-License-Identifier: MIT
#include "ledger/timing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "golden.h"
#include "ledger/overhead.h"
#include "model/json.h"
#include "report/terminal.h"
#include "report/timeline.h"
#include "report_fixture.h"

namespace {

using namespace netio;
using ledger::summarize_overhead;
using ledger::summarize_timing;
using model::CounterRow;
using model::Figure;
using model::Role;
using model::TimedStage;
using model::TimingFacts;
using Count = Figure<std::uint64_t>;

TimedStage stage(const std::string& id, std::uint64_t server_ns, std::uint64_t client_ns) {
    TimedStage made{id, id, {"function_of_" + id}, {}, false, {}};
    made.passages.push_back({Role::server, server_ns / 10, server_ns, server_ns * 3, server_ns * 4});
    made.passages.push_back({Role::client, client_ns / 10, client_ns, client_ns * 3, client_ns * 4});
    return made;
}

TimingFacts timing_facts() {
    TimingFacts facts;
    facts.stages = {stage("send call", 400, 0), stage("late copy", 300, 100), stage("receive call", 0, 200),
                    stage("waiting", 5000, 7000), stage("pin pages", 0, 0)};
    facts.stages[3].waiting = true;
    return facts;
}

CounterRow counter(Role role, const std::string& event, std::uint64_t kernel, std::uint64_t total) {
    CounterRow row;
    row.role = role;
    row.event = event;
    row.kernel = kernel;
    row.total = total;
    return row;
}

const Count payload = 100;

}  // namespace

TEST_CASE("timing: stages per payload byte add up to the total, without waiting") {
    const auto timing = summarize_timing(timing_facts(), {}, payload);
    REQUIRE(timing.stages.size() == 5);
    CHECK(timing.stages[1].server_ns_per_byte == Figure<double>(3.0));
    CHECK(timing.stages[1].client_ns_per_byte == Figure<double>(1.0));
    CHECK(timing.stages[1].ns_per_byte == Figure<double>(4.0));
    CHECK(timing.stages[1].calls == Count(40));
    CHECK(timing.stages[1].cycles_per_byte == Figure<double>(12.0));
    CHECK(timing.stages[1].instructions_per_byte == Figure<double>(16.0));
    CHECK(timing.stages[1].share == doctest::Approx(0.4));
    CHECK(timing.stages[3].ns_per_byte == Figure<double>(120.0));
    CHECK(timing.stages[3].share == 0);
    CHECK(timing.total.ns_per_byte == Figure<double>(10.0));
    CHECK(timing.total.calls == Count(100));
    CHECK(timing.total.cycles_per_byte == Figure<double>(30.0));
}

TEST_CASE("timing: what is not counted, not probed or not sent is missing with its reason") {
    TimingFacts facts = timing_facts();
    facts.not_counted = "no PMU";
    facts.stages[4].unseen = "refused";
    facts.stages[4].functions.clear();
    const auto timing = summarize_timing(facts, {}, payload);
    CHECK(timing.stages[0].cycles_per_byte.reason() == "no PMU");
    CHECK(timing.total.instructions_per_byte.reason() == "no PMU");
    CHECK(timing.stages[4].calls.reason() == "refused");
    CHECK(timing.stages[4].ns_per_byte.reason() == "refused");
    CHECK(timing.covered_share.reason() == "no PMU");
    CHECK(summarize_timing(timing_facts(), {}, 0).total.ns_per_byte.reason() == "no payload was sent");
}

TEST_CASE("timing: the stages' share of the kernel's cycles, which both ends must have counted") {
    const std::vector<CounterRow> both{counter(Role::server, "cycles", 3000, 9000),
                                       counter(Role::client, "cycles", 1000, 2000),
                                       counter(Role::client, "instructions", 7, 7)};
    CHECK(summarize_timing(timing_facts(), both, payload).covered_share == Figure<double>(0.75));
    auto one = both;
    one[1].kernel = Count::missing("never scheduled");
    CHECK(summarize_timing(timing_facts(), one, payload).covered_share.reason() == "never scheduled");
    CHECK(summarize_timing(timing_facts(), {}, payload).covered_share.reason() == "cycles were not counted");
}

TEST_CASE("timing: a capture's stages survive JSON") {
    model::Capture capture;
    capture.timing = timing_facts();
    capture.timing->missed = 3;
    capture.program_runs = {{"fe_send_begins", 7, 1000, 1}};
    const auto again = model::capture_from_json(model::to_json(capture));
    REQUIRE(again);
    CHECK(again->timing == capture.timing);
    CHECK(again->program_runs == capture.program_runs);
}

TEST_CASE("terminal: the stages at 80 and at 120 columns") {
    model::Report report = test::zerocopy_over_veth();
    TimingFacts facts = timing_facts();
    facts.missed = 2;
    facts.stages[4].unseen = "refused";
    for (const bool counted : {true, false}) {
        facts.not_counted = counted ? "" : "no PMU";
        report.timing = summarize_timing(facts, {}, payload);
        for (const unsigned columns : {80U, 120U}) {
            const std::string text = report::render_terminal(report, {columns, false, true});
            for (const std::string& line : split(text, '\n')) {
                CHECK(display_width(line) <= columns);
            }
            for (const char* part :
                 {"Time by stage", "late copy", "ns/B", "40.0 %", "2 passages were seen at one end"}) {
                CHECK_MESSAGE(text.find(part) != std::string::npos, part);
            }
            CHECK((text.find("instr/B") != std::string::npos) == counted);
            CHECK((text.find("function_of_late copy") != std::string::npos) == (columns == 120));
        }
    }
}

TEST_CASE("overhead: runs and time per send call, the most expensive program first") {
    model::Ledger books;
    books.send_calls = 10;
    books.payload_bytes = 1000;
    const std::vector<CounterRow> counters{counter(Role::server, "task-clock", 0, 6000),
                                           counter(Role::client, "task-clock", 0, 2000)};
    const auto overhead = summarize_overhead({{"a", 20, 300, 0}, {"b", 5, 500, 1}, {"c", 0, 0, 0}}, counters, books);
    CHECK(overhead.runs == 25);
    CHECK(overhead.ns == 800);
    CHECK(overhead.skipped == 1);
    CHECK(overhead.runs_per_send == Figure<double>(2.5));
    CHECK(overhead.ns_per_send == Figure<double>(80.0));
    CHECK(overhead.ns_per_byte == Figure<double>(0.8));
    CHECK(overhead.share == Figure<double>(0.1));
    REQUIRE(overhead.programs.size() == 2);
    CHECK(overhead.programs[0].program == "b");
    model::Report report = test::zerocopy_over_veth();
    report.overhead = overhead;
    const std::string text = report::render_terminal(report, {80, false, true});
    CHECK(text.find("2.5 runs and 80 ns a send call") != std::string::npos);
    CHECK(text.find("10.0 % of the CPU time") != std::string::npos);
    CHECK(text.find("1 run was skipped") != std::string::npos);
    CHECK(summarize_overhead({}, {}, books).share.reason() == "task-clock was not counted");
}

TEST_CASE("timeline: JSON that trace viewers open, in microseconds from the first passage") {
    model::Timeline timeline{{"send call", "late copy"}, 11, 22, {}, 4};
    timeline.passages = {{7, Role::server, 1, 2'000'500, 250},
                         {7, Role::server, 0, 2'000'000, 1'001},
                         {9, Role::client, 0, 2'003'000, 1'234'567'891}};
    const auto json = nlohmann::json::parse(report::render_timeline(timeline));
    CHECK(json["otherData"]["lost_passages"] == 4);
    const auto& events = json["traceEvents"];
    REQUIRE(events.size() == 5);
    CHECK(events[0]["args"]["name"] == "server");
    CHECK(events[1]["pid"] == 22);
    CHECK(events[2]["name"] == "late copy");
    CHECK(events[2]["ts"] == doctest::Approx(0.5));
    CHECK(events[2]["dur"] == doctest::Approx(0.25));
    CHECK(events[3]["ts"] == doctest::Approx(0.0));
    CHECK(events[4]["pid"] == 22);
    CHECK(events[4]["tid"] == 9);
    CHECK(events[4]["dur"] == doctest::Approx(1'234'567.891));
    CHECK(nlohmann::json::parse(report::render_timeline({{}, 1, 2, {}, 0}))["traceEvents"].size() == 2);
}
