// SPDX-License-Identifier: MIT
#include "perf/event_list.h"

#include <doctest/doctest.h>
#include <linux/perf_event.h>

#include <string>
#include <vector>

#include "perf/pmu.h"
#include "pmu_fixture.h"

namespace {

using namespace netio::perf;
using netio::Error;
using netio::ExitCode;
namespace test = netio::test;

using Cpus = std::vector<std::uint32_t>;

void add_tracefs(const FakeRoot& root) {
    root.file("sys/kernel/tracing/events/sched/sched_switch/id", "316\n");
    root.file("sys/kernel/tracing/events/sched/sched_wakeup/id", "318\n");
    root.file("sys/kernel/tracing/events/skb/consume_skb/id", "1450\n");
    root.file("sys/kernel/tracing/events/enable", "0\n");
}

EventSources sources_of(const FakeRoot& root, Naming naming = Naming::extended) {
    return {find_pmus(root.path()), naming, root.path() / "sys/kernel/tracing"};
}

Error refused(std::string_view text, const EventSources& sources) {
    const auto event = parse_event(text, sources);
    REQUIRE_FALSE(event);
    CHECK(event.error().what == "--events " + std::string(text));
    CHECK_FALSE(event.error().why.empty());
    CHECK_FALSE(event.error().advice.empty());
    return event.error();
}

PlannedEvent planned(std::string_view text, const EventSources& sources) {
    const auto event = parse_event(text, sources);
    REQUIRE_MESSAGE(event.has_value(), describe(event.error()));
    return *event;
}

}  // namespace

TEST_CASE("events: the kernel's own, one part where there is one core PMU or none") {
    const FakeRoot amd;
    test::add_amd(amd);
    const FakeRoot none;
    for (const FakeRoot* root : {&amd, &none}) {
        const PlannedEvent event = planned("branch-misses", sources_of(*root));
        CHECK(event.name == "branch-misses");
        CHECK(event.type == PERF_TYPE_HARDWARE);
        CHECK(event.split);
        CHECK(event.of_threads);
        CHECK(event.of_machine);
        REQUIRE(event.parts.size() == 1);
        CHECK(event.parts[0] == EventPart{"", {}, Encoding{PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES}});
    }
}

TEST_CASE("events: software events are counted for both spaces at once, and the clocks of no processor") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const PlannedEvent faults = planned("minor-faults", sources_of(root));
    CHECK_FALSE(faults.split);
    CHECK(faults.of_machine);
    CHECK(faults.parts.size() == 1);
    CHECK_FALSE(planned("cpu-clock", sources_of(root)).of_machine);
    CHECK(planned("cpu-clock", sources_of(root)).of_threads);
}

TEST_CASE("events: on Intel hybrid the kernel's own go to each core PMU, by its type") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const PlannedEvent event = planned("dTLB-load-misses", sources_of(root));
    REQUIRE(event.parts.size() == 2);
    CHECK(event.parts[0] == EventPart{"cpu_atom", {4, 5, 6, 7}, Encoding{PERF_TYPE_HW_CACHE, 0xa00010003}});
    CHECK(event.parts[1] == EventPart{"cpu_core", {0, 1, 2, 3}, Encoding{PERF_TYPE_HW_CACHE, 0x400010003}});
}

TEST_CASE("events: where the kernel takes no types, the names that the PMUs have themselves") {
    const FakeRoot root;
    test::add_big_little(root);
    const EventSources sources = sources_of(root, Naming::own);
    const PlannedEvent cycles = planned("ref-cycles", sources);
    REQUIRE(cycles.parts.size() == 2);
    CHECK_FALSE(cycles.parts[0].encoding);
    CHECK_FALSE(cycles.parts[1].encoding);
    const PlannedEvent branches = planned("branches", sources);
    CHECK_FALSE(branches.parts[0].encoding);
    CHECK(branches.parts[1].encoding == Encoding{8, 0x21});
    const PlannedEvent misses = planned("L1-dcache-load-misses", sources);
    CHECK(misses.parts[0].encoding == Encoding{7, 3});
    CHECK(misses.parts[1].encoding == Encoding{8, 3});
}

TEST_CASE("events: a PMU's, by its terms and by its names") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const EventSources sources = sources_of(root);
    const PlannedEvent cycles = planned("cpu_core/event=0x3c,umask=0x1/", sources);
    CHECK(cycles.name == "cpu_core/event=0x3c,umask=0x1/");
    CHECK(cycles.type == PERF_TYPE_RAW);
    CHECK(cycles.split);
    REQUIRE(cycles.parts.size() == 1);
    CHECK(cycles.parts[0] == EventPart{"", {0, 1, 2, 3}, Encoding{4, 0x13c}});
    CHECK(planned("cpu_atom/instructions/", sources).parts[0].encoding == Encoding{10, 0xc0});
    const PlannedEvent both = planned("r01c0", sources);
    REQUIRE(both.parts.size() == 2);
    CHECK(both.parts[0] == EventPart{"cpu_atom", {4, 5, 6, 7}, Encoding{10, 0x1c0}});
    CHECK(both.parts[1] == EventPart{"cpu_core", {0, 1, 2, 3}, Encoding{4, 0x1c0}});
    const PlannedEvent slots = planned("slots", sources);  // one of the two has it
    REQUIRE(slots.parts.size() == 1);
    CHECK(slots.parts[0] == EventPart{"cpu_core", {0, 1, 2, 3}, Encoding{4, 0x400}});
}

TEST_CASE("events: those of an uncore PMU are no thread's; one that names no processors is anybody's") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const PlannedEvent reads = planned("uncore_imc_0/data_read/", sources_of(root));
    CHECK(reads.type == 24);
    CHECK_FALSE(reads.split);
    CHECK_FALSE(reads.of_threads);
    CHECK(reads.of_machine);
    CHECK(reads.parts[0] == EventPart{"", {0}, Encoding{24, 1}});
    const PlannedEvent tsc = planned("msr/tsc/", sources_of(root));
    CHECK_FALSE(tsc.split);
    CHECK(tsc.of_threads);
    CHECK(tsc.parts[0].cpus.empty());
}

TEST_CASE("events: a raw number without a PMU is asked of the kernel, which will say why not") {
    const FakeRoot root;
    const PlannedEvent raw = planned("r003c", sources_of(root));
    CHECK(raw.split);
    CHECK(raw.parts[0] == EventPart{"", {}, Encoding{PERF_TYPE_RAW, 0x3c}});
    CHECK(planned("rffffffffffffffff", sources_of(root)).parts[0].encoding->config == ~std::uint64_t{0});
}

TEST_CASE("events: tracepoints by the number that tracefs has for them") {
    const FakeRoot root;
    add_tracefs(root);
    const PlannedEvent event = planned("sched:sched_switch", sources_of(root));
    CHECK(event.name == "sched:sched_switch");
    CHECK(event.type == PERF_TYPE_TRACEPOINT);
    CHECK_FALSE(event.split);
    CHECK(event.parts[0].encoding == Encoding{PERF_TYPE_TRACEPOINT, 316});
}

TEST_CASE("events: what is no event is one error that says what there is") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    add_tracefs(root);
    const EventSources sources = sources_of(root);
    CHECK(refused("cylces", sources).advice == "--events cycles");
    CHECK(refused("cylces", sources).code == ExitCode::usage);
    CHECK(refused("minor_faults", sources).advice == "--events minor-faults");
    CHECK(refused("qqqqqqqqqqqqqqqqqqqqqqqqqqqqq", sources).advice == "--events help, which lists what there is");
    CHECK(refused("qqqqqqqqqqqqqqqqqqqqqqqqqqqqq", sources).why.find("perf-list(1)") != std::string::npos);
    CHECK(refused("", sources).why == "an event has a name");
    CHECK(refused("rxyz", sources).code == ExitCode::usage);
    CHECK(refused("r", sources).code == ExitCode::usage);
    CHECK(refused("r10000000000000000", sources).code == ExitCode::usage);
    CHECK(refused("cycles:u", sources).why == "user and kernel space are counted apart without being told");
    CHECK(refused("cycles:u", sources).advice == "--events cycles");
    CHECK(refused("cpu_core/instructions/k", sources).advice == "--events cpu_core/instructions/");
    CHECK(refused("cpu_core/instructions", sources).why == "its terms stand between two slashes");
    const Error missing = refused("cpu/event=0x3c/", sources);
    CHECK(missing.why == "this machine has no PMU cpu");
    CHECK(missing.advice == "one of its PMUs: breakpoint, cpu_atom, cpu_core, msr, software, tracepoint, uncore_imc_0");
    CHECK(missing.code == ExitCode::privilege);
    CHECK(refused("cpu_core/evnt=1/", sources).why == "it knows no 'evnt'");
    CHECK(refused("cpu_core/evnt=1/", sources).advice.starts_with("its terms: "));
}

TEST_CASE("events: a tracepoint that is none, and a machine without tracefs") {
    const FakeRoot root;
    add_tracefs(root);
    EventSources sources = sources_of(root);
    CHECK(refused("shced:sched_switch", sources).advice == "--events sched:sched_switch");
    CHECK(refused("sched:sched_swich", sources).advice == "--events sched:sched_switch");
    CHECK(refused("sched:", sources).why == "this kernel has no tracepoint sched:");
    CHECK(refused("zzzzzzzzz:sched_switch", sources).why == "no tracepoints of this kernel are called zzzzzzzzz");
    CHECK(refused("sched:../skb/consume_skb", sources).code == ExitCode::usage);
    sources.tracefs.clear();
    CHECK(refused("sched:sched_switch", sources).why == "tracefs is not mounted");
    CHECK(refused("sched:sched_switch", sources).code == ExitCode::privilege);
    sources.tracefs = root.path() / "nowhere";
    CHECK(refused("sched:sched_switch", sources).why.ends_with("nowhere/events cannot be read"));
}

TEST_CASE("events: a list is cut at the commas outside slashes; nothing is counted twice") {
    const FakeRoot root;
    test::add_amd(root);
    add_tracefs(root);
    const EventSources sources = sources_of(root);
    const auto plan = plan_catalogue(sources.pmus, sources.naming);
    const auto events = parse_events(
        "branch-misses, cpu/event=0x76,umask=0/,cpu-cycles,sched:sched_switch,branch-misses,faults", sources, plan);
    REQUIRE(events);
    std::vector<std::string> names;
    for (const PlannedEvent& event : *events) {
        names.push_back(event.name);
    }
    CHECK(names == std::vector<std::string>{"branch-misses", "cpu/event=0x76,umask=0/", "sched:sched_switch"});
    CHECK(parse_events("cycles", sources, plan)->empty());
    CHECK(parse_events("branch-misses,,faults", sources, plan).error().why == "an event has a name");
    CHECK(parse_events("branch-misses,bogus-event", sources, plan).error().what == "--events bogus-event");
}

TEST_CASE("events: what there is, for those who ask") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    add_tracefs(root);
    const auto lines = known_events(sources_of(root));
    REQUIRE(lines.size() == 8);
    CHECK(lines[0].starts_with("hardware: cycles, instructions, "));
    CHECK(lines[1].starts_with("software: cpu-clock, "));
    CHECK(lines[2].starts_with("caches: L1-dcache-loads, "));
    CHECK(lines[3] ==
          "PMU cpu_atom: cpu_atom/cache-misses/, cpu_atom/cache-references/, cpu_atom/cpu-cycles/, "
          "cpu_atom/instructions/, terms cmask, edge, event, inv, offcore_rsp, umask");
    CHECK(lines[6] == "PMU uncore_imc_0: uncore_imc_0/data_read/, terms event");
    CHECK(lines[7] == "tracepoints: subsystem:name, of sched, skb");
    CHECK(known_events({}).back() == "tracepoints: none, for tracefs cannot be read here");
}

TEST_CASE("plan: ten events in every run; of the machine cycles and instructions, and what the kernel itself counts") {
    const FakeRoot root;
    test::add_amd(root);
    const auto plan = plan_catalogue(find_pmus(root.path()), Naming::extended);
    REQUIRE(plan.size() == 10);
    std::vector<std::string> machine;
    for (const PlannedEvent& event : plan) {
        CHECK(event.of_threads);
        CHECK(event.parts.size() == 1);
        if (event.of_machine) {
            machine.push_back(event.name);
        }
    }
    CHECK(machine ==
          std::vector<std::string>{"cycles", "instructions", "context-switches", "page-faults", "cpu-migrations"});
    CHECK(plan[0].group == plan[1].group);
    CHECK(plan[2].group == plan[3].group);
    CHECK(plan[1].group != plan[2].group);
}

TEST_CASE("plan: with several kinds of cores each hardware event is one on each of them") {
    const FakeRoot root;
    test::add_big_little(root);
    const auto extended = plan_catalogue(find_pmus(root.path()), Naming::extended);
    const auto own = plan_catalogue(find_pmus(root.path()), Naming::own);
    REQUIRE(extended[1].parts.size() == 2);
    CHECK(extended[1].name == "instructions");
    CHECK(extended[1].parts[0] == EventPart{"armv8_cortex_a53", Cpus{0, 1, 2, 3}, Encoding{0, 0x700000001}});
    CHECK(extended[1].parts[1] == EventPart{"armv8_cortex_a72", Cpus{4, 5}, Encoding{0, 0x800000001}});
    CHECK(own[1].parts[0].encoding == Encoding{7, 0x08});
    CHECK(own[1].parts[1].encoding == Encoding{8, 0x08});
    CHECK(own[3].parts[0].encoding == Encoding{7, 0x03});  // cache-misses
    CHECK_FALSE(own[5].parts[0].encoding);                 // LLC-load-misses
    CHECK(own[6].parts.size() == 1);                       // task-clock
}
