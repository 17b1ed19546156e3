// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "fake_root.h"
#include "perf/counters.h"
#include "perf/facts.h"
#include "pmu_fixture.h"

namespace {

using namespace netio::perf;
using netio::Fd;
using netio::model::CounterReading;
using netio::model::Role;
namespace test = netio::test;

Encoding encoding_of(std::string_view name) {
    const Symbol symbol = *find_symbol(name);
    return {symbol.type, symbol.config};
}

// The event that was asked for, whichever PMU it was asked of.
std::string name_of(const perf_event_attr& attr) {
    const bool may_have_pmu = attr.type == PERF_TYPE_HARDWARE || attr.type == PERF_TYPE_HW_CACHE;
    const std::uint64_t config = may_have_pmu ? attr.config & 0xffffffff : attr.config;
    for (const std::string& name : symbols_of(attr.type)) {
        if (find_symbol(name)->config == config) {
            return name;
        }
    }
    return "none of the kernel's";
}

std::uint64_t pmu_of(const perf_event_attr& attr) {
    return attr.config >> 32;
}

struct Opening {
    std::string event;
    perf_event_attr attr;
    Target target;
    int group;
    int fd;  // -1: refused
};

// A kernel that opens what `refuse` lets pass. Its descriptors are real ones, for Fd closes them.
class FakeApi final : public Api {
 public:
    std::function<int(const perf_event_attr&, const Target&, int)> refuse = [](const auto&, const auto&, auto) {
        return 0;
    };
    std::function<int(int, Switch)> refuse_turn = [](int, Switch) { return 0; };
    std::function<tl::expected<Sample, int>(int)> sample = [](int) { return Sample{1, 100, 100}; };
    std::vector<Opening> openings;
    std::vector<int> turned_on;
    std::vector<int> turned_off;

    tl::expected<Fd, int> open(const perf_event_attr& attr, const Target& target, int group) override {
        Opening opening{name_of(attr), attr, target, group, -1};
        if (const int error = refuse(attr, target, group); error != 0) {
            openings.push_back(opening);
            return tl::unexpected(error);
        }
        Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        REQUIRE(fd.valid());
        opening.fd = fd.get();
        openings.push_back(opening);
        return fd;
    }
    int turn(const Fd& leader, Switch to) override {
        (to == Switch::on ? turned_on : turned_off).push_back(leader.get());
        return refuse_turn(leader.get(), to);
    }
    tl::expected<Sample, int> read(const Fd& event) override { return sample(event.get()); }

    const Opening& opened(std::string_view event, Space space, std::int32_t thread = 42) const {
        const auto found = std::find_if(openings.rbegin(), openings.rend(), [&](const Opening& o) {
            return o.event == event && o.target.thread_id == thread &&
                   o.attr.exclude_user == (space == Space::kernel) && o.attr.exclude_kernel == (space == Space::user);
        });
        REQUIRE(found != openings.rend());
        return *found;
    }
};

const Host with_pmu{{"cpu"}, 1};
const Host without_pmu{{}, 2};
const std::vector<CountedThread> one_thread{{Role::server, 42}};
const std::vector<PlannedEvent> plan = plan_catalogue({}, Naming::extended);

const CounterReading& find(const std::vector<CounterReading>& readings, std::string_view event, std::string_view space,
                           std::int32_t thread = 42) {
    const auto found = std::find_if(readings.begin(), readings.end(), [&](const CounterReading& r) {
        return r.event == event && r.space == space && r.thread_id == thread;
    });
    REQUIRE(found != readings.end());
    return *found;
}

std::string reason_when_refused(int error, std::string_view event, std::string_view space, const Host& host) {
    FakeApi api;
    api.refuse = [&](const auto&, const auto&, auto) { return error; };
    CounterSet set(one_thread, plan, host, api);
    set.enable();
    set.disable();
    CHECK(set.opened() == 0);
    const auto readings = set.read();
    CHECK(readings.size() == 16);
    CHECK(api.turned_on.empty());
    const CounterReading& reading = find(readings, event, space);
    CHECK_FALSE(reading.count.measured());
    CHECK(reading.enabled_ns == 0);
    CHECK(reading.running_ns == 0);
    return reading.count.reason();
}

void set_paranoid(const FakeRoot& root, std::string_view text) {
    root.file("proc/sys/kernel/perf_event_paranoid", text);
}

}  // namespace

TEST_CASE("attributes: user space leaves out kernel and hypervisor") {
    const perf_event_attr attr = attributes(encoding_of("cycles"), Space::user, Scope::threads, true);
    CHECK(attr.size == sizeof(perf_event_attr));
    CHECK(attr.type == PERF_TYPE_HARDWARE);
    CHECK(attr.config == PERF_COUNT_HW_CPU_CYCLES);
    CHECK(attr.exclude_user == 0);
    CHECK(attr.exclude_kernel == 1);
    CHECK(attr.exclude_hv == 1);
    CHECK(attr.disabled == 1);
    CHECK(attr.inherit == 1);
    CHECK(attr.read_format == (PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING));
}

TEST_CASE("attributes: kernel space leaves out user and hypervisor") {
    const perf_event_attr attr = attributes(encoding_of("LLC-load-misses"), Space::kernel, Scope::threads, true);
    CHECK(attr.type == PERF_TYPE_HW_CACHE);
    CHECK(attr.config == 0x10002);
    CHECK(attr.exclude_user == 1);
    CHECK(attr.exclude_kernel == 0);
    CHECK(attr.exclude_hv == 1);
    CHECK(attributes(encoding_of("L1-dcache-load-misses"), Space::kernel, Scope::threads, true).config == 0x10000);
}

TEST_CASE("attributes: a software event leaves out nothing") {
    const perf_event_attr attr = attributes(encoding_of("context-switches"), Space::all, Scope::threads, true);
    CHECK(attr.type == PERF_TYPE_SOFTWARE);
    CHECK(attr.config == PERF_COUNT_SW_CONTEXT_SWITCHES);
    CHECK(attr.exclude_user == 0);
    CHECK(attr.exclude_kernel == 0);
    CHECK(attr.exclude_hv == 0);
}

TEST_CASE("attributes: a group's members are on, for their leader turns them; the machine has no heirs") {
    CHECK(attributes(encoding_of("cycles"), Space::user, Scope::threads, false).disabled == 0);
    const perf_event_attr attr = attributes({24, 1, 2, 3}, Space::all, Scope::machine, true);
    CHECK(attr.inherit == 0);
    CHECK(attr.type == 24);
    CHECK(attr.config == 1);
    CHECK(attr.config1 == 2);
    CHECK(attr.config2 == 3);
}

TEST_CASE("a thread gets six hardware events twice and four software events once") {
    FakeApi api;
    CounterSet set(one_thread, plan, with_pmu, api);
    CHECK(set.opened() == 16);
    std::vector<std::string> got;
    for (const auto& reading : set.read()) {
        got.push_back(reading.event + ":" + reading.space);
    }
    const std::vector<std::string> expected{"cycles:user",
                                            "instructions:user",
                                            "cache-references:user",
                                            "cache-misses:user",
                                            "L1-dcache-load-misses:user",
                                            "LLC-load-misses:user",
                                            "cycles:kernel",
                                            "instructions:kernel",
                                            "cache-references:kernel",
                                            "cache-misses:kernel",
                                            "L1-dcache-load-misses:kernel",
                                            "LLC-load-misses:kernel",
                                            "task-clock:all",
                                            "context-switches:all",
                                            "page-faults:all",
                                            "cpu-migrations:all"};
    CHECK(got == expected);
}

TEST_CASE("events that are compared are opened as a group, the others alone") {
    FakeApi api;
    const CounterSet set(one_thread, plan, with_pmu, api);
    for (const Space space : {Space::user, Space::kernel}) {
        CHECK(api.opened("cycles", space).group == -1);
        CHECK(api.opened("instructions", space).group == api.opened("cycles", space).fd);
        CHECK(api.opened("cache-references", space).group == -1);
        CHECK(api.opened("cache-misses", space).group == api.opened("cache-references", space).fd);
        CHECK(api.opened("L1-dcache-load-misses", space).group == -1);
        CHECK(api.opened("LLC-load-misses", space).group == -1);
    }
    CHECK(api.opened("instructions", Space::user).group != api.opened("instructions", Space::kernel).group);
    CHECK(api.opened("page-faults", Space::all).group == -1);
}

TEST_CASE("an event its group has no room for is opened alone") {
    FakeApi api;
    api.refuse = [](const auto&, const auto&, int group) { return group >= 0 ? EINVAL : 0; };
    CounterSet set(one_thread, plan, with_pmu, api);
    CHECK(set.opened() == 16);
    CHECK(api.openings.size() == 20);  // four refused in a group and opened again
    CHECK(api.opened("instructions", Space::user).group == -1);
    set.enable();
    CHECK(api.turned_on.size() == 16);
}

TEST_CASE("a group without its first event is led by the next") {
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) {
        const auto name = name_of(attr);
        return name == "cycles" || name == "cache-references" ? ENOENT : 0;
    };
    CounterSet set(one_thread, plan, with_pmu, api);
    CHECK(set.opened() == 12);
    CHECK(api.opened("instructions", Space::user).group == -1);
    CHECK(api.opened("cache-misses", Space::user).group == -1);
    set.enable();
    CHECK(api.turned_on.size() == 12);
    const auto readings = set.read();
    CHECK(find(readings, "instructions", "user").count.measured());
    CHECK_FALSE(find(readings, "cycles", "user").count.measured());
}

TEST_CASE("enable and disable turn group leaders and single events, each once") {
    FakeApi api;
    CounterSet set(one_thread, plan, with_pmu, api);
    CHECK(api.turned_on.empty());
    set.enable();
    CHECK(api.turned_on.size() == 12);  // two groups and two single events in each space, four software events
    CHECK(std::set<int>(api.turned_on.begin(), api.turned_on.end()).size() == 12);
    CHECK(std::count(api.turned_on.begin(), api.turned_on.end(), api.opened("instructions", Space::user).fd) == 0);
    CHECK(api.turned_off.empty());
    set.disable();
    CHECK(api.turned_off == api.turned_on);
}

TEST_CASE("a reading keeps the raw count, both times, role and thread") {
    const std::vector<CountedThread> threads{{Role::server, 42}, {Role::client, 43}};
    FakeApi api;
    api.sample = [&](int fd) {
        const bool client = fd == api.opened("cycles", Space::kernel, 43).fd;
        return client ? Sample{777, 500, 125} : Sample{3, 10, 10};
    };
    CounterSet set(threads, plan, with_pmu, api);
    set.enable();
    const auto readings = set.read();
    CHECK(readings.size() == 32);
    const CounterReading& client = find(readings, "cycles", "kernel", 43);
    CHECK(client.role == Role::client);
    CHECK(client.count.value() == 777);
    CHECK(client.enabled_ns == 500);
    CHECK(client.running_ns == 125);
    const CounterReading& server = find(readings, "cycles", "kernel", 42);
    CHECK(server.role == Role::server);
    CHECK(server.count.value() == 3);
}

TEST_CASE("counters that were never enabled are missing, not 0") {
    FakeApi api;
    const CounterSet set(one_thread, plan, with_pmu, api);
    CHECK(find(set.read(), "cycles", "user").count.reason() == "the counters were never enabled");
}

TEST_CASE("a group that cannot be enabled is missing as a whole, the others stay") {
    FakeApi api;
    CounterSet set(one_thread, plan, with_pmu, api);
    api.refuse_turn = [&](int fd, Switch) { return fd == api.opened("cycles", Space::user).fd ? EINVAL : 0; };
    set.enable();
    const auto readings = set.read();
    const std::string reason = "could not be enabled: Invalid argument (EINVAL)";
    CHECK(find(readings, "cycles", "user").count.reason() == reason);
    CHECK(find(readings, "instructions", "user").count.reason() == reason);
    CHECK(find(readings, "cache-references", "user").count.measured());
    CHECK(find(readings, "cycles", "kernel").count.measured());
}

TEST_CASE("a counter that cannot be disabled is missing: its window is not the measured one") {
    FakeApi api;
    CounterSet set(one_thread, plan, with_pmu, api);
    api.refuse_turn = [](int, Switch to) { return to == Switch::off ? EIO : 0; };
    set.enable();
    set.disable();
    CHECK(find(set.read(), "task-clock", "all").count.reason() == "could not be disabled: Input/output error (EIO)");
}

TEST_CASE("a counter that cannot be read is missing") {
    FakeApi api;
    api.sample = [](int) -> tl::expected<Sample, int> { return tl::unexpected(ENODATA); };
    CounterSet set(one_thread, plan, with_pmu, api);
    set.enable();
    CHECK(find(set.read(), "cycles", "user").count.reason() == "could not be read: No data available (ENODATA)");
}

TEST_CASE("no threads, no readings") {
    FakeApi api;
    CounterSet set({}, plan, with_pmu, api);
    set.enable();
    CHECK(set.read().empty());
    CHECK(set.opened() == 0);
}

TEST_CASE("refused: no PMU") {
    for (const int error : {ENOENT, ENODEV, ENXIO, EOPNOTSUPP}) {
        CHECK(reason_when_refused(error, "cycles", "user", without_pmu) ==
              "this machine exposes no hardware counter for it (no PMU; usual in a VM)");
    }
}

TEST_CASE("refused: a PMU without the event") {
    CHECK(reason_when_refused(ENOENT, "LLC-load-misses", "kernel", {{"cpu_atom", "cpu_core"}, 1}) ==
          "this machine exposes no hardware counter for it (its PMU, cpu_atom, cpu_core, lacks the event)");
}

TEST_CASE("refused: a software event is never blamed on the PMU") {
    CHECK(reason_when_refused(ENOENT, "page-faults", "all", without_pmu) == "this kernel has no such software event");
}

TEST_CASE("refused: not permitted") {
    CHECK(reason_when_refused(EACCES, "cycles", "kernel", without_pmu) ==
          "Permission denied (EACCES): kernel.perf_event_paranoid is 2; try sudo or CAP_PERFMON");
    CHECK(reason_when_refused(EPERM, "cycles", "kernel", {{"cpu"}, 4}) ==
          "Operation not permitted (EPERM): kernel.perf_event_paranoid is 4; try sudo or CAP_PERFMON");
    const auto unknown = netio::model::Figure<std::int64_t>::missing("kernel.perf_event_paranoid cannot be read");
    CHECK(reason_when_refused(EPERM, "task-clock", "all", {{}, unknown}) ==
          "Operation not permitted (EPERM): kernel.perf_event_paranoid cannot be read; try sudo or CAP_PERFMON");
}

TEST_CASE("refused: everything else says what the kernel said") {
    CHECK(reason_when_refused(EMFILE, "cycles", "user", with_pmu) ==
          "too many open files in this process; try a higher limit (ulimit -n) or fewer threads");
    CHECK(reason_when_refused(ENFILE, "cycles", "user", with_pmu) ==
          "too many open files on this machine; try a higher fs.file-max");
    CHECK(reason_when_refused(ESRCH, "cycles", "user", with_pmu) ==
          "the thread had ended before its counters were opened");
    CHECK(reason_when_refused(EINVAL, "cycles", "user", with_pmu) ==
          "the kernel refuses this event in this form: Invalid argument (EINVAL)");
    CHECK(reason_when_refused(ENOSPC, "cycles", "user", with_pmu) ==
          "no counter of the PMU is left for it: No space left on device (ENOSPC)");
    CHECK(reason_when_refused(EBUSY, "cycles", "user", with_pmu) ==
          "another program holds the PMU for itself: Device or resource busy (EBUSY)");
    CHECK(reason_when_refused(ENOSYS, "cycles", "user", with_pmu) ==
          "this kernel was built without performance events (CONFIG_PERF_EVENTS)");
    CHECK(reason_when_refused(EIO, "cycles", "user", with_pmu) == "perf_event_open: Input/output error (EIO)");
}

TEST_CASE("host: core PMUs are told from the others, in order") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    test::add_pmu(root, "apple_firestorm_pmu", {{"type", "11"}, {"cpus", "4-7"}});
    set_paranoid(root, "-1\n");
    const Host host = host_facts(root.path());
    CHECK(host.pmus == std::vector<std::string>{"apple_firestorm_pmu", "cpu_atom", "cpu_core"});
    CHECK(host.paranoid.value() == -1);
}

TEST_CASE("host: a machine without PMU and without the sysctl") {
    const FakeRoot root;
    const Host host = host_facts(root.path());
    CHECK(host.pmus.empty());
    CHECK_FALSE(host.paranoid.measured());
    CHECK(host.paranoid.reason().starts_with("kernel.perf_event_paranoid cannot be read: "));
    CHECK(host.paranoid.reason().find("ENOENT") != std::string::npos);
}

TEST_CASE("host: a seccomp filter is told from the kernel's own refusal") {
    const FakeRoot root;
    root.folder("proc/self");
    for (const auto& [mode, filtered] : {std::pair{"0", false}, std::pair{"1", false}, std::pair{"2", true}}) {
        CAPTURE(mode);
        std::ofstream(root.path() / "proc/self/status") << "Name:\tx2\nSeccomp:\t" << mode << "\nSeccomp_filters:\t2\n";
        const Host host = host_facts(root.path());
        CHECK(host.seccomp_filter == filtered);
        const std::string why = refusal(EPERM, PERF_TYPE_HARDWARE, host);
        CHECK((why.find("let perf_event_open(2) pass it") != std::string::npos) == filtered);
    }
}

TEST_CASE("host: a paranoid level that is no number") {
    const FakeRoot root;
    for (const char* text : {"", "high\n", "2x\n"}) {
        set_paranoid(root, text);
        CHECK_FALSE(host_facts(root.path()).paranoid.measured());
    }
    set_paranoid(root, "2x\n");
    CHECK(host_facts(root.path()).paranoid.reason() == "kernel.perf_event_paranoid is no number: 2x");
}

TEST_CASE("doctor: ten events, tried on the calling thread") {
    FakeApi api;
    const PmuFacts facts = pmu_facts(plan, with_pmu, api);
    CHECK(facts.hardware_pmu());
    REQUIRE(facts.events.size() == 10);
    CHECK(facts.events.front().event == "cycles");
    CHECK(facts.events.back().event == "cpu-migrations");
    for (const EventFacts& event : facts.events) {
        CHECK(event.refusal.empty());
    }
    CHECK(api.openings.size() == 16);
    CHECK(std::all_of(api.openings.begin(), api.openings.end(),
                      [](const Opening& o) { return o.target == calling_thread; }));
}

TEST_CASE("doctor: an event refused in one space names the space") {
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) { return attr.exclude_user ? EACCES : 0; };
    const PmuFacts facts = pmu_facts(plan, {{"cpu"}, 2}, api);
    CHECK(facts.events.front().refusal ==
          "in kernel space: Permission denied (EACCES): kernel.perf_event_paranoid is 2; try sudo or CAP_PERFMON");
    CHECK(facts.events.back().refusal.empty());
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) { return attr.exclude_kernel ? EBUSY : 0; };
    CHECK(pmu_facts(plan, with_pmu, api).events.front().refusal ==
          "in user space: another program holds the PMU for itself: Device or resource busy (EBUSY)");
}

TEST_CASE("doctor: an event refused in both spaces says so once, or each with its reason") {
    FakeApi api;
    api.refuse = [](const auto&, const auto&, auto) { return ENOENT; };
    const PmuFacts facts = pmu_facts(plan, without_pmu, api);
    CHECK_FALSE(facts.hardware_pmu());
    CHECK(facts.events.front().refusal == "this machine exposes no hardware counter for it (no PMU; usual in a VM)");
    CHECK(facts.events.back().refusal == "this kernel has no such software event");
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) { return attr.exclude_user ? ESRCH : ENOSYS; };
    CHECK(pmu_facts(plan, without_pmu, api).events.front().refusal ==
          "in user space: this kernel was built without performance events (CONFIG_PERF_EVENTS); "
          "in kernel space: the thread had ended before its counters were opened");
}

TEST_CASE("hybrid: groups are of one PMU, and each reading says whose it is") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const auto hybrid = plan_catalogue(find_pmus(root.path()), Naming::extended);
    FakeApi api;
    CounterSet set(one_thread, hybrid, host_facts(root.path()), api);
    CHECK(set.opened() == 28);  // 6 events in 2 spaces on 2 PMUs, and 4
    CHECK(std::all_of(api.openings.begin(), api.openings.end(), [](const Opening& o) {
        return o.target == Target{42, Target::any};  // a thread is counted wherever it runs
    }));
    const auto on = [&](std::string_view event, std::uint64_t pmu, Space space) {
        const auto found = std::find_if(api.openings.begin(), api.openings.end(), [&](const Opening& o) {
            return o.event == event && pmu_of(o.attr) == pmu && o.attr.exclude_user == (space == Space::kernel) &&
                   o.attr.exclude_kernel == (space == Space::user);
        });
        REQUIRE(found != api.openings.end());
        return *found;
    };
    for (const std::uint64_t pmu : {4U, 10U}) {
        for (const Space space : {Space::user, Space::kernel}) {
            CHECK(on("cycles", pmu, space).group == -1);
            CHECK(on("cycles", pmu, space).attr.disabled == 1);
            CHECK(on("instructions", pmu, space).group == on("cycles", pmu, space).fd);
            CHECK(on("instructions", pmu, space).attr.disabled == 0);
            CHECK(on("cache-misses", pmu, space).group == on("cache-references", pmu, space).fd);
        }
    }
    set.enable();
    CHECK(api.turned_on.size() == 20);  // 2 groups and 2 events alone, in 2 spaces on 2 PMUs, and 4
    std::vector<std::string> whose;
    for (const CounterReading& reading : set.read()) {
        if (reading.event == "cycles" && reading.space == "user") {
            whose.push_back(reading.pmu.value_or("none"));
        }
    }
    CHECK(whose == std::vector<std::string>{"cpu_atom", "cpu_core"});
    CHECK_FALSE(find(set.read(), "task-clock", "all").pmu);
}

TEST_CASE("hybrid: an event that one PMU lacks is missing there, and its group is led by the next") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const auto hybrid = plan_catalogue(find_pmus(root.path()), Naming::extended);
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) {
        return name_of(attr) == "cycles" && pmu_of(attr) == 10 ? ENOENT : 0;
    };
    CounterSet set(one_thread, hybrid, host_facts(root.path()), api);
    set.enable();
    for (const CounterReading& reading : set.read()) {
        CAPTURE(reading.event);
        CHECK(reading.count.measured() == !(reading.event == "cycles" && reading.pmu == "cpu_atom"));
    }
    CHECK(api.turned_on.size() == 20);  // instructions of cpu_atom lead themselves
}

TEST_CASE("hybrid: a group that cannot be turned on is missing on its own PMU only") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const auto hybrid = plan_catalogue(find_pmus(root.path()), Naming::extended);
    FakeApi api;
    CounterSet set(one_thread, hybrid, host_facts(root.path()), api);
    const int leader = std::find_if(api.openings.begin(), api.openings.end(), [](const Opening& o) {
                           return o.event == "cycles" && pmu_of(o.attr) == 4 && o.attr.exclude_kernel;
                       })->fd;
    api.refuse_turn = [&](int fd, Switch) { return fd == leader ? EINVAL : 0; };
    set.enable();
    std::size_t missing = 0;
    for (const CounterReading& reading : set.read()) {
        if (!reading.count.measured()) {
            ++missing;
            CHECK(reading.pmu == "cpu_core");
            CHECK(reading.space == "user");
            CHECK((reading.event == "cycles" || reading.event == "instructions"));
        }
    }
    CHECK(missing == 2);
}

TEST_CASE("big.LITTLE on an old kernel: a PMU that has no name for an event says so") {
    const FakeRoot root;
    test::add_big_little(root);
    const auto own = plan_catalogue(find_pmus(root.path()), Naming::own);
    FakeApi api;
    CounterSet set(one_thread, own, host_facts(root.path()), api);
    set.enable();
    CHECK(find(set.read(), "LLC-load-misses", "user").count.reason() ==
          "the PMU armv8_cortex_a53 has no name for it, and this kernel cannot be asked for it on one PMU of several");
    CHECK(find(set.read(), "cycles", "user").count.measured());
}

TEST_CASE("extended types: asked of every core PMU, and only where there are several") {
    const FakeRoot hybrid;
    test::add_intel_hybrid(hybrid);
    const auto pmus = find_pmus(hybrid.path());
    FakeApi api;
    CHECK(takes_extended_types(pmus, api));
    REQUIRE(api.openings.size() == 2);
    CHECK(pmu_of(api.openings[0].attr) == 10);
    CHECK(pmu_of(api.openings[1].attr) == 4);
    CHECK(api.openings[0].target == calling_thread);
    for (const int error : {ENOENT, EINVAL, ENODEV, EOPNOTSUPP}) {
        api.refuse = [&](const perf_event_attr& attr, const auto&, auto) { return pmu_of(attr) == 4 ? error : 0; };
        CHECK_FALSE(takes_extended_types(pmus, api));
    }
    for (const int error : {EACCES, EPERM, EMFILE, EBUSY}) {
        api.refuse = [&](const auto&, const auto&, auto) { return error; };
        CHECK(takes_extended_types(pmus, api));
    }
    const FakeRoot amd;
    test::add_amd(amd);
    FakeApi unasked;
    CHECK(takes_extended_types(find_pmus(amd.path()), unasked));
    CHECK(unasked.openings.empty());
}

TEST_CASE("machine: events of all tasks on each processor, without those that only threads are counted for") {
    const std::vector<std::uint32_t> cpus{0, 5};
    FakeApi api;
    api.sample = [&](int fd) { return Sample{fd == api.openings[0].fd ? 70U : 7U, 100, 50}; };
    MachineCounters machine(cpus, plan, with_pmu, api);
    CHECK(machine.opened() == 10);
    for (const Opening& opening : api.openings) {
        CHECK(opening.target.thread_id == Target::any);
        CHECK(opening.attr.inherit == 0);
        CHECK(opening.attr.exclude_user == 0);
        CHECK(opening.attr.exclude_kernel == 0);
    }
    CHECK(api.openings[0].target.cpu == 0);
    CHECK(api.openings[1].group == api.openings[0].fd);  // instructions with cycles
    CHECK(api.openings[5].target.cpu == 5);
    CHECK(api.openings[6].group == api.openings[5].fd);
    machine.enable();
    CHECK(api.turned_on.size() == 8);
    machine.disable();
    const auto readings = machine.read();
    REQUIRE(readings.size() == 10);
    CHECK(readings[0].cpu == 0);
    CHECK(readings[0].event == "cycles");
    CHECK(readings[0].count.value() == 70);
    CHECK(readings[0].enabled_ns == 100);
    CHECK(readings[0].running_ns == 50);
    CHECK_FALSE(readings[0].pmu);
    CHECK(readings[9].cpu == 5);
    CHECK(readings[9].event == "cpu-migrations");
}

TEST_CASE("machine: each processor is asked by the PMU of its own cores") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const auto hybrid = plan_catalogue(find_pmus(root.path()), Naming::extended);
    const std::vector<std::uint32_t> cpus{3, 4};
    FakeApi api;
    MachineCounters machine(cpus, hybrid, host_facts(root.path()), api);
    CHECK(machine.opened() == 10);
    for (const Opening& opening : api.openings) {
        if (opening.attr.type == PERF_TYPE_HARDWARE) {
            CHECK(pmu_of(opening.attr) == (opening.target.cpu == 3 ? 4 : 10));
        }
    }
    machine.enable();
    CHECK(machine.read()[0].pmu == "cpu_core");
    CHECK(machine.read()[5].pmu == "cpu_atom");
}

TEST_CASE("machine: an uncore event is read on the processors that its PMU names, and for no thread") {
    const PlannedEvent reads{"uncore_imc_0/data_read/",   24, Group::none, false, false, true,
                             {{"", {0}, Encoding{24, 1}}}};
    const std::vector<std::uint32_t> cpus{0, 1, 2};
    FakeApi api;
    MachineCounters machine(cpus, {&reads, 1}, with_pmu, api);
    REQUIRE(api.openings.size() == 1);
    CHECK(api.openings[0].target == Target{Target::any, 0});
    CHECK(api.openings[0].attr.type == 24);
    CounterSet set(one_thread, {&reads, 1}, with_pmu, api);
    CHECK(set.read().empty());
}

TEST_CASE("machine: not permitted is a reason for every processor") {
    const std::vector<std::uint32_t> cpus{0};
    FakeApi api;
    api.refuse = [](const auto&, const auto&, auto) { return EACCES; };
    const MachineCounters machine(cpus, plan, with_pmu, api);
    CHECK(machine.opened() == 0);
    for (const auto& reading : machine.read()) {
        CHECK(reading.count.reason() ==
              "Permission denied (EACCES): kernel.perf_event_paranoid is 1; try sudo or CAP_PERFMON");
    }
}

TEST_CASE("refused: every errno of the table has words of its own, and the kernel's where they add something") {
    std::set<int> errors;
    for (const Meaning& meaning : meanings()) {
        CAPTURE(meaning.error_number);
        CHECK(errors.insert(meaning.error_number).second);
        const std::string text = refusal(meaning.error_number, PERF_TYPE_HARDWARE, with_pmu);
        CHECK(text.starts_with(meaning.what));
        CHECK((text.find(netio::errno_text(meaning.error_number)) != std::string::npos) == meaning.says_errno);
        CHECK((text.find("; try " + std::string(meaning.advice)) != std::string::npos) == !meaning.advice.empty());
    }
    for (const int error : {EOPNOTSUPP, ENODEV, EINVAL, EBUSY, EMFILE, ENOSPC, EINTR}) {
        CHECK(errors.contains(error));
    }
}

TEST_CASE("refused: docs/counters.md has every errno that is explained") {
    const auto page = netio::read_file(std::filesystem::path{NETIO_SOURCE_ROOT} / "docs" / "counters.md");
    REQUIRE(page);
    std::vector<int> errors{ENOENT, EACCES, EPERM};
    for (const Meaning& meaning : meanings()) {
        errors.push_back(meaning.error_number);
    }
    for (const int error : errors) {
        const std::string text = netio::errno_text(error);  // "No such device (ENODEV)"
        const std::string name = text.substr(text.find('(') + 1, text.rfind(')') - text.find('(') - 1);
        CAPTURE(name);
        const std::size_t at = page->find(name);
        REQUIRE(at != std::string::npos);
        CHECK(page->rfind("\n| ", at) == page->rfind('\n', at));  // in the first column, or behind another there
    }
}

TEST_CASE("refused: a PMU that is there and cannot do it") {
    CHECK(reason_when_refused(ENODEV, "cycles", "user", with_pmu) ==
          "the PMU lacks what the event asks for, or its processor is offline: No such device (ENODEV)");
    CHECK(reason_when_refused(EOPNOTSUPP, "cycles", "kernel", with_pmu) ==
          "the PMU cannot count it as asked: a thread's, or user and kernel space apart: Operation not supported "
          "(EOPNOTSUPP)");
    CHECK(reason_when_refused(EINTR, "cycles", "user", with_pmu) ==
          "signals kept interrupting the call: Interrupted system call (EINTR); try it again");
    CHECK(reason_when_refused(E2BIG, "cycles", "user", with_pmu) ==
          "this kernel is too old for what the event asks for: Argument list too long (E2BIG)");
    CHECK(refusal(ENOENT, 24, without_pmu) == "this kernel has no such event: No such file or directory (ENOENT)");
    CHECK(refusal(ENOENT, PERF_TYPE_RAW, without_pmu) ==
          "this machine exposes no hardware counter for it (no PMU; usual in a VM)");
}

TEST_CASE("doctor: with several PMUs the one that lacks an event is named") {
    const FakeRoot root;
    test::add_intel_hybrid(root);
    const auto hybrid = plan_catalogue(find_pmus(root.path()), Naming::extended);
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) {
        return name_of(attr) == "L1-dcache-load-misses" && pmu_of(attr) == 10 ? ENODEV : 0;
    };
    const PmuFacts facts = pmu_facts(hybrid, host_facts(root.path()), api);
    CHECK(facts.events[0].refusal.empty());
    CHECK(facts.events[4].refusal ==
          "cpu_atom: the PMU lacks what the event asks for, or its processor is offline: No such device (ENODEV)");
    api.refuse = [](const perf_event_attr& attr, const auto&, auto) { return attr.exclude_user ? EBUSY : 0; };
    CHECK(pmu_facts(hybrid, host_facts(root.path()), api).events[0].refusal ==
          "in kernel space: another program holds the PMU for itself: Device or resource busy (EBUSY)");
}
