// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "cases.h"
#include "kernel/limits.h"
#include "tool.h"

// Perf events on the running kernel: the two views, events by name, and what cannot be counted with its reason.

using namespace netio::e2e;
using nlohmann::json;

namespace {

Arguments counted_run(const Arguments& more) {
    Arguments arguments{"--mode", "one-copy", "--size", "4093", "--warmup", "10ms", "--tier", "none"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

json row_of(const json& report, const std::string& role, const std::string& event) {
    for (const json& row : report["counters"]) {
        if (row["role"] == role && row["event"] == event) {
            return row;
        }
    }
    return json::object();
}

json machine_row(const json& report, const std::string& event) {
    const json machine = report.value("machine_counters", json{{"rows", json::array()}});
    return element(machine["rows"], "event", event);
}

// Why nothing can be counted for this user, as under --no-counters; the kernel answers EACCES or ENOENT.
bool has_reason(const json& figure) {
    return figure.is_object() && !figure["missing"].get<std::string>().empty() && figure["missing"] != "not measured";
}

bool has_events_folder() {
    return netio::kernel::tracefs_folder(netio::kernel::Root{}).has_value();
}

}  // namespace

TEST_SUITE_BEGIN("events");

TEST_CASE("events: those of the threads and of the machine are counted in the same time") {
    const json report = report_of(counted_run({"--duration", "700ms"}));
    const std::uint64_t threads = measured(row_of(report, "server", "context-switches")["total"]) +
                                  measured(row_of(report, "client", "context-switches")["total"]);
    CHECK(measured(machine_row(report, "context-switches")["total"]) >= threads);
    const std::uint64_t clocks = measured(row_of(report, "server", "task-clock")["total"]) +
                                 measured(row_of(report, "client", "task-clock")["total"]);
    // Steps of 10 ms on each processor; what a hypervisor took meanwhile is in the clocks, and in no busy time.
    CHECK(measured(machine_row(report, "busy-time")["total"]) > 0);
    CHECK(clocks > 0);
    CHECK(measured(machine_row(report, "softirq-time")["total"]) <=
          measured(machine_row(report, "busy-time")["total"]));
    const std::uint64_t cpus = report["machine_counters"]["cpus"].get<std::uint64_t>();
    CHECK(cpus == report["environment"]["cpus"].get<std::uint64_t>());
    std::uint64_t readings = 0;
    for (const json& reading : report["capture"]["machine_counters"]) {
        readings += reading["event"] == "page-faults" ? 1 : 0;
        CHECK(reading["running_ns"].get<std::uint64_t>() <= reading["enabled_ns"].get<std::uint64_t>());
    }
    CHECK(readings == cpus);
}

TEST_CASE("events: hardware is counted, or n/a with its reason; never 0 for want of a counter") {
    const json report = report_of(counted_run({"--messages", "300", "--events", "branch-misses,r003c"}));
    for (const char* event : {"cycles", "instructions", "cache-misses", "LLC-load-misses", "branch-misses", "r003c"}) {
        CAPTURE(event);
        const json row = row_of(report, "server", event);
        REQUIRE(row.contains("total"));
        CHECK((row["total"].is_number() || has_reason(row["total"])));
        CHECK(row["total"].is_number() == row["counted"].is_number());
    }
    CHECK(machine_row(report, "cycles").contains("total"));
}

TEST_CASE("events: software events and tracepoints by name are in the report, the JSON and the CSV") {
    if (!has_events_folder()) {
        netio::cases::skip("tracefs is not mounted");
        return;
    }
    const Arguments run = counted_run({"--messages", "300", "--events", "sched:sched_switch,minor-faults"});
    const json report = report_of(run);
    for (const char* role : {"server", "client"}) {
        CAPTURE(role);
        const std::uint64_t switches = measured(row_of(report, role, "sched:sched_switch")["total"]);
        CHECK(switches > 0);
        CHECK(measured(row_of(report, role, "context-switches")["total"]) <= switches + 1);
        CHECK(row_of(report, role, "minor-faults")["total"].is_number());
    }
    CHECK(measured(machine_row(report, "sched:sched_switch")["total"]) >=
          measured(row_of(report, "server", "sched:sched_switch")["total"]));

    Arguments as_csv = run;
    as_csv.emplace_back("--csv");
    const Outcome csv = run_trace(as_csv);
    CHECK(csv.exit_code == 0);
    CHECK(csv.out.find(",server_sched_sched_switch,client_sched_sched_switch,machine_sched_sched_switch,") !=
          std::string::npos);
    const Outcome text = run_trace(run);
    CHECK(text.out.find("\n  sched:sched_switch ") != std::string::npos);
    CHECK(text.out.find("\nMachine   ") != std::string::npos);
}

TEST_CASE("events: the machine is left alone when it is asked to be") {
    const json report = report_of(counted_run({"--messages", "23", "--no-machine-counters"}));
    CHECK_FALSE(report.contains("machine_counters"));
    CHECK_FALSE(report["capture"].contains("machine_counters"));
    CHECK(measured(row_of(report, "server", "task-clock")["total"]) > 0);
    const json neither = report_of(counted_run({"--messages", "23", "--no-counters"}));
    CHECK(neither["counters"].empty());
    CHECK_FALSE(neither.contains("machine_counters"));
}

TEST_CASE("events: what is no event is one error, before anything is run") {
    struct Refused {
        const char* list;
        int exit_code;
        const char* says;
    };
    for (const Refused& refused :
         {Refused{"cylces", 2, "--events cycles"}, Refused{"nothing_here/event=1/", 3, "no PMU nothing_here"},
          Refused{"minor-faults,", 2, "an event has a name"}, Refused{"cycles:u", 2, "counted apart"},
          Refused{"", 2, "an event has a name"}}) {
        CAPTURE(refused.list);
        const Outcome outcome = run_trace(counted_run({"--messages", "23", "--events", refused.list}));
        CHECK(outcome.exit_code == refused.exit_code);
        CHECK(outcome.err.find(refused.says) != std::string::npos);
        CHECK(outcome.out.empty());
    }
    CHECK(run_trace({"--no-counters", "--events", "cycles"}).exit_code == 2);
}

TEST_CASE("events: --events help lists what there is, without root") {
    const Outcome list = run_trace({"--events", "help"}, true);
    CHECK(list.exit_code == 0);
    CHECK(list.out.starts_with("hardware: cycles, "));
    CHECK(list.out.find("\nsoftware: ") != std::string::npos);
}

TEST_SUITE_END();
