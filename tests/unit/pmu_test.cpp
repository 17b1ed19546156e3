// SPDX-License-Identifier: MIT
#include "perf/pmu.h"

#include <doctest/doctest.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <string>
#include <vector>

#include "perf/cpus.h"
#include "perf/event_names.h"
#include "perf/refusal.h"
#include "pmu_fixture.h"

namespace {

using namespace netio::perf;
namespace test = netio::test;

std::vector<std::string> names_of(const std::vector<Pmu>& pmus, bool core) {
    std::vector<std::string> names;
    for (const Pmu& pmu : pmus) {
        if (pmu.core == core) {
            names.push_back(pmu.name);
        }
    }
    return names;
}

const Pmu& named(const std::vector<Pmu>& pmus, std::string_view name) {
    const auto found = std::find_if(pmus.begin(), pmus.end(), [&](const Pmu& pmu) { return pmu.name == name; });
    REQUIRE(found != pmus.end());
    return *found;
}

using Names = std::vector<std::string>;
using Cpus = std::vector<std::uint32_t>;

Pmu with_format(std::string term, std::string places) {
    return {"cpu", 4, true, {}, {{std::move(term), std::move(places)}}, {}, {}};
}

}  // namespace

TEST_CASE("pmu: Intel hybrid has a PMU for each kind of core, and others that are not of cores") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const auto pmus = find_pmus(root.path());
    CHECK(names_of(pmus, true) == Names{"cpu_atom", "cpu_core"});
    CHECK(names_of(pmus, false) == Names{"breakpoint", "msr", "software", "tracepoint", "uncore_imc_0"});
    const Pmu& core = named(pmus, "cpu_core");
    CHECK(core.type == 4);
    CHECK(core.cpus == Cpus{0, 1, 2, 3});
    CHECK(core.caps.at("pmu_name") == "alderlake_hybrid");
    CHECK(core.format.at("umask") == "config:8-15");
    CHECK(core.events.at("slots") == "event=0x00,umask=0x4");
    CHECK(named(pmus, "cpu_atom").type == 10);
    CHECK(named(pmus, "cpu_atom").cpus == Cpus{4, 5, 6, 7});
    CHECK_FALSE(named(pmus, "cpu_atom").events.contains("slots"));
    CHECK(host_facts(root.path()).pmus == Names{"cpu_atom", "cpu_core"});
}

TEST_CASE("pmu: an uncore PMU has the processors it is read on, and no scale or unit passes for an event") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const Pmu memory = named(find_pmus(root.path()), "uncore_imc_0");
    CHECK(memory.cpus == Cpus{0});
    CHECK(memory.events.size() == 1);
    CHECK(memory.events.at("data_read") == "event=0x1");
}

TEST_CASE("pmu: AMD has one PMU for all cores; that of its caches is not of a core") {
    const FakeRoot root;
    test::add_amd(root);
    const auto pmus = find_pmus(root.path());
    CHECK(names_of(pmus, true) == Names{"cpu"});
    CHECK(named(pmus, "cpu").cpus.empty());
    CHECK(named(pmus, "amd_l3").cpus == Cpus{0, 8});
    CHECK(host_facts(root.path()).pmus == Names{"cpu"});
}

TEST_CASE("pmu: ARM big.LITTLE has one for each kind of core; the one that samples is not among them") {
    const FakeRoot root;
    test::add_big_little(root);
    const auto pmus = find_pmus(root.path());
    CHECK(names_of(pmus, true) == Names{"armv8_cortex_a53", "armv8_cortex_a72"});
    CHECK(named(pmus, "armv8_cortex_a53").cpus == Cpus{0, 1, 2, 3});
    CHECK(named(pmus, "armv8_cortex_a72").cpus == Cpus{4, 5});
    CHECK(named(pmus, "arm_spe_0").cpus == Cpus{4, 5});
}

TEST_CASE("pmu: a machine without one, and folders that are not whole") {
    const FakeRoot root;
    CHECK(find_pmus(root.path()).empty());
    test::add_kernel_pmus(root);
    CHECK(names_of(find_pmus(root.path()), true).empty());
    root.folder("sys/bus/event_source/devices/cpu");                           // no type
    test::add_pmu(root, "cpu_core", {{"type", "four"}, {"cpus", "0-3"}});      // no number
    test::add_pmu(root, "cpu_atom", {{"type", "10"}, {"cpus", "7-4"}});        // no list
    test::add_pmu(root, "armv9", {{"type", "99999999999"}, {"cpus", "0-3"}});  // beyond 32 bits
    CHECK(names_of(find_pmus(root.path()), true).empty());
    test::add_pmu(root, "cpu_atom", {{"cpus", ""}});  // its cores are all offline
    CHECK(names_of(find_pmus(root.path()), true) == Names{"cpu_atom"});
}

TEST_CASE("cpus: lists as the kernel writes them") {
    CHECK(parse_cpu_list("0-3,6\n") == Cpus{0, 1, 2, 3, 6});
    CHECK(parse_cpu_list("5") == Cpus{5});
    CHECK(parse_cpu_list("\n") == Cpus{});
    for (const char* text : {"3-1", "a", "0-", "-1", "0,,1", "0-1-2", "0-70000", "0 1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_cpu_list(text));
    }
}

TEST_CASE("encode: terms go into the bits that the format names") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const Pmu core = named(find_pmus(root.path()), "cpu_core");
    CHECK(encode(core, "event=0x3c") == Encoding{4, 0x3c, 0, 0});
    CHECK(encode(core, "event=0x2e,umask=0x41") == Encoding{4, 0x412e, 0, 0});
    CHECK(encode(core, "event=0xc0,umask=1,cmask=2,edge,inv=1") == Encoding{4, 0x028401c0, 0, 0});
    CHECK(encode(core, "event=0xb7,offcore_rsp=0xffffffffffffffff") == Encoding{4, 0xb7, ~std::uint64_t{0}, 0});
    CHECK(encode(core, "config=0x53003c,config1=7,config2=8") == Encoding{4, 0x53003c, 7, 8});
    CHECK(encode(core, "instructions") == Encoding{4, 0xc0, 0, 0});
    CHECK(encode(core, "mem-loads") == Encoding{4, 0x1cd, 3, 0});
    CHECK(encode(core, "mem-loads,ldlat=30") == Encoding{4, 0x1cd, 30, 0});
    CHECK(encode(core, "event=0xff,event=0x01") == Encoding{4, 0x01, 0, 0});  // the last one holds
}

TEST_CASE("encode: a value over several ranges is cut, lowest bits first") {
    const FakeRoot root;
    test::add_amd(root);
    const Pmu cpu = named(find_pmus(root.path()), "cpu");
    CHECK(encode(cpu, "event=0x5a9") == Encoding{4, 0x5000000a9, 0, 0});
    CHECK(encode(cpu, "event=0xfff,umask=0xff") == Encoding{4, 0xf0000ffff, 0, 0});
}

TEST_CASE("encode: what is wrong is named, and what there is") {
    const FakeRoot root;
    test::add_amd(root);
    const auto pmus = find_pmus(root.path());
    const Pmu& cpu = named(pmus, "cpu");
    const auto why = [&](std::string_view terms) {
        const auto encoding = encode(cpu, terms);
        REQUIRE_FALSE(encoding);
        CHECK(encoding.error().code == netio::ExitCode::usage);
        CHECK(encoding.error().advice ==
              "its terms: edge, event, umask, config, config1, config2; or its events: branch-misses, cpu-cycles");
        return encoding.error().why;
    };
    CHECK(why("evnt=0x76") == "it knows no 'evnt'");
    CHECK(why("cycles") == "it knows no 'cycles'");
    CHECK(why("") == "a term is missing");
    CHECK(why("event=0x76,") == "a term is missing");
    CHECK(why("event=") == "'event=' has no number");
    CHECK(why("event=0x") == "'event=0x' has no number");
    CHECK(why("event=1x") == "'event=1x' has no number");
    CHECK(why("event=0x1000") == "event: 0x1000 does not fit into its bits, config:0-7,32-35");
    CHECK(why("umask=256") == "umask: 0x100 does not fit into its bits, config:8-15");
    CHECK(why("edge=2") == "edge: 0x2 does not fit into its bits, config:18");
    CHECK(why("config") == "it knows no 'config'");
    CHECK(encode(named(pmus, "software"), "x").error().advice == "its terms: config, config1, config2");
}

TEST_CASE("encode: a format that this program does not know is said, and harms nothing") {
    for (const char* places : {"config7:0-3", "config", "config:", "config:4-1", "config:0-64", "config:x"}) {
        CAPTURE(places);
        const auto encoding = encode(with_format("event", places), "event=1");
        REQUIRE_FALSE(encoding);
        CHECK(encoding.error().why.find(places) != std::string::npos);
    }
    Pmu circular = with_format("event", "config:0-7");
    circular.events = {{"loop", "loop"}};
    CHECK(encode(circular, "loop").error().why == "it knows no 'loop'");
}

TEST_CASE("names: perf's, with their aliases") {
    CHECK(find_symbol("cycles")->config == PERF_COUNT_HW_CPU_CYCLES);
    CHECK(find_symbol("cpu-cycles")->name == "cycles");
    CHECK(find_symbol("branch-instructions")->name == "branches");
    CHECK(find_symbol("cs")->name == "context-switches");
    CHECK(find_symbol("minor-faults")->type == PERF_TYPE_SOFTWARE);
    CHECK(find_symbol("dTLB-load-misses")->type == PERF_TYPE_HW_CACHE);
    CHECK(find_symbol("dTLB-load-misses")->config == 0x10003);
    CHECK(find_symbol("LLC-stores")->config == 0x00102);
    CHECK(find_symbol("L1-icache-prefetch-misses")->config == 0x10201);
    CHECK(find_symbol("node-loads")->config == 0x00006);
    for (const char* name : {"", "cycle", "L1-dcache", "loads", "dTLB-", "LLC-load-miss"}) {
        CAPTURE(name);
        CHECK_FALSE(find_symbol(name));
    }
    CHECK(symbols_of(PERF_TYPE_HARDWARE).size() == 10);
    CHECK(symbols_of(PERF_TYPE_HW_CACHE).size() == 42);
    for (const std::uint32_t type : {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE, PERF_TYPE_HW_CACHE}) {
        for (const std::string& name : symbols_of(type)) {
            CAPTURE(name);
            REQUIRE(find_symbol(name));
            CHECK(find_symbol(name)->name == name);
            CHECK(find_symbol(name)->type == type);
        }
    }
}
