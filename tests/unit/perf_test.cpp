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

#include "perf/counters.h"
#include "perf/facts.h"

namespace {

using namespace netio::perf;
using netio::Fd;
using netio::model::CounterReading;
using netio::model::Role;

const Event& event_named(std::string_view name) {
    for (const Event& event : hardware_events) {
        if (event.name == name) {
            return event;
        }
    }
    const auto found = std::find_if(software_events.begin(), software_events.end(),
                                    [&](const Event& event) { return event.name == name; });
    REQUIRE(found != software_events.end());
    return *found;
}

const Event& event_of(const perf_event_attr& attr) {
    for (const Event& event : hardware_events) {
        if (event.type == attr.type && event.config == attr.config) {
            return event;
        }
    }
    const auto found = std::find_if(software_events.begin(), software_events.end(), [&](const Event& event) {
        return event.type == attr.type && event.config == attr.config;
    });
    REQUIRE(found != software_events.end());
    return *found;
}

struct Opening {
    std::string event;
    perf_event_attr attr;
    std::int32_t thread_id;
    int group;
    int fd;  // -1: refused
};

// A kernel that opens what `refuse` lets pass. Its descriptors are real ones, for Fd closes them.
class FakeApi final : public Api {
 public:
    std::function<int(const perf_event_attr&, std::int32_t, int)> refuse = [](const auto&, auto, auto) { return 0; };
    std::function<int(int, Switch)> refuse_turn = [](int, Switch) { return 0; };
    std::function<tl::expected<Sample, int>(int)> sample = [](int) { return Sample{1, 100, 100}; };
    std::vector<Opening> openings;
    std::vector<int> turned_on;
    std::vector<int> turned_off;

    tl::expected<Fd, int> open(const perf_event_attr& attr, std::int32_t thread_id, int group) override {
        Opening opening{std::string(event_of(attr).name), attr, thread_id, group, -1};
        if (const int error = refuse(attr, thread_id, group); error != 0) {
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
            return o.event == event && o.thread_id == thread && o.attr.exclude_user == (space == Space::kernel) &&
                   o.attr.exclude_kernel == (space == Space::user);
        });
        REQUIRE(found != openings.rend());
        return *found;
    }
};

const Host with_pmu{{"cpu"}, 1};
const Host without_pmu{{}, 2};
const std::vector<CountedThread> one_thread{{Role::server, 42}};

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
    api.refuse = [&](const auto&, auto, auto) { return error; };
    CounterSet set(one_thread, host, api);
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

// A folder that is removed at the end of the test.
class FakeRoot {
 public:
    FakeRoot() {
        std::string name = (std::filesystem::temp_directory_path() / "netio-perf-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;
    ~FakeRoot() { std::filesystem::remove_all(path_); }
    const std::filesystem::path& path() const { return path_; }
    void add_device(const std::string& name) const {
        std::filesystem::create_directories(path_ / "sys/bus/event_source/devices" / name);
    }
    void set_paranoid(const std::string& text) const {
        std::filesystem::create_directories(path_ / "proc/sys/kernel");
        std::ofstream(path_ / "proc/sys/kernel/perf_event_paranoid") << text;
    }

 private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("attributes: user space leaves out kernel and hypervisor") {
    const perf_event_attr attr = attributes(event_named("cycles"), Space::user);
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
    const perf_event_attr attr = attributes(event_named("LLC-load-misses"), Space::kernel);
    CHECK(attr.type == PERF_TYPE_HW_CACHE);
    CHECK(attr.config == 0x10002);
    CHECK(attr.exclude_user == 1);
    CHECK(attr.exclude_kernel == 0);
    CHECK(attr.exclude_hv == 1);
    CHECK(attributes(event_named("L1-dcache-load-misses"), Space::kernel).config == 0x10000);
}

TEST_CASE("attributes: a software event leaves out nothing") {
    const perf_event_attr attr = attributes(event_named("context-switches"), Space::all);
    CHECK(attr.type == PERF_TYPE_SOFTWARE);
    CHECK(attr.config == PERF_COUNT_SW_CONTEXT_SWITCHES);
    CHECK(attr.exclude_user == 0);
    CHECK(attr.exclude_kernel == 0);
    CHECK(attr.exclude_hv == 0);
}

TEST_CASE("a thread gets six hardware events twice and four software events once") {
    FakeApi api;
    CounterSet set(one_thread, with_pmu, api);
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
    const CounterSet set(one_thread, with_pmu, api);
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
    api.refuse = [](const auto&, auto, int group) { return group >= 0 ? EINVAL : 0; };
    CounterSet set(one_thread, with_pmu, api);
    CHECK(set.opened() == 16);
    CHECK(api.openings.size() == 20);  // four refused in a group and opened again
    CHECK(api.opened("instructions", Space::user).group == -1);
    set.enable();
    CHECK(api.turned_on.size() == 16);
}

TEST_CASE("a group without its first event is led by the next") {
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, auto, auto) {
        const auto name = event_of(attr).name;
        return name == "cycles" || name == "cache-references" ? ENOENT : 0;
    };
    CounterSet set(one_thread, with_pmu, api);
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
    CounterSet set(one_thread, with_pmu, api);
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
    CounterSet set(threads, with_pmu, api);
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
    const CounterSet set(one_thread, with_pmu, api);
    CHECK(find(set.read(), "cycles", "user").count.reason() == "the counters were never enabled");
}

TEST_CASE("a group that cannot be enabled is missing as a whole, the others stay") {
    FakeApi api;
    CounterSet set(one_thread, with_pmu, api);
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
    CounterSet set(one_thread, with_pmu, api);
    api.refuse_turn = [](int, Switch to) { return to == Switch::off ? EIO : 0; };
    set.enable();
    set.disable();
    CHECK(find(set.read(), "task-clock", "all").count.reason() == "could not be disabled: Input/output error (EIO)");
}

TEST_CASE("a counter that cannot be read is missing") {
    FakeApi api;
    api.sample = [](int) -> tl::expected<Sample, int> { return tl::unexpected(ENODATA); };
    CounterSet set(one_thread, with_pmu, api);
    set.enable();
    CHECK(find(set.read(), "cycles", "user").count.reason() == "could not be read: No data available (ENODATA)");
}

TEST_CASE("no threads, no readings") {
    FakeApi api;
    CounterSet set({}, with_pmu, api);
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
    for (const char* name : {"software", "cpu_core", "msr", "cpu_atom", "uncore_imc_0", "arm_spe_0", "armv8_pmuv3_0"}) {
        root.add_device(name);
    }
    root.set_paranoid("-1\n");
    const Host host = host_facts(root.path());
    CHECK(host.pmus == std::vector<std::string>{"armv8_pmuv3_0", "cpu_atom", "cpu_core"});
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
    std::filesystem::create_directories(root.path() / "proc/self");
    for (const auto& [mode, filtered] : {std::pair{"0", false}, std::pair{"1", false}, std::pair{"2", true}}) {
        CAPTURE(mode);
        std::ofstream(root.path() / "proc/self/status") << "Name:\tx2\nSeccomp:\t" << mode << "\nSeccomp_filters:\t2\n";
        const Host host = host_facts(root.path());
        CHECK(host.seccomp_filter == filtered);
        const std::string why = refusal(EPERM, event_named("cycles"), host);
        CHECK((why.find("let perf_event_open(2) pass it") != std::string::npos) == filtered);
    }
}

TEST_CASE("host: a paranoid level that is no number") {
    const FakeRoot root;
    for (const char* text : {"", "high\n", "2x\n"}) {
        root.set_paranoid(text);
        CHECK_FALSE(host_facts(root.path()).paranoid.measured());
    }
    root.set_paranoid("2x\n");
    CHECK(host_facts(root.path()).paranoid.reason() == "kernel.perf_event_paranoid is no number: 2x");
}

TEST_CASE("doctor: ten events, tried on the calling thread") {
    FakeApi api;
    const PmuFacts facts = pmu_facts(with_pmu, api);
    CHECK(facts.hardware_pmu());
    REQUIRE(facts.events.size() == 10);
    CHECK(facts.events.front().event == "cycles");
    CHECK(facts.events.back().event == "cpu-migrations");
    for (const EventFacts& event : facts.events) {
        CHECK(event.refusal.empty());
    }
    CHECK(api.openings.size() == 16);
    CHECK(std::all_of(api.openings.begin(), api.openings.end(), [](const Opening& o) { return o.thread_id == 0; }));
}

TEST_CASE("doctor: an event refused in one space names the space") {
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, auto, auto) { return attr.exclude_user ? EACCES : 0; };
    const PmuFacts facts = pmu_facts({{"cpu"}, 2}, api);
    CHECK(facts.events.front().refusal ==
          "in kernel space: Permission denied (EACCES): kernel.perf_event_paranoid is 2; try sudo or CAP_PERFMON");
    CHECK(facts.events.back().refusal.empty());
    api.refuse = [](const perf_event_attr& attr, auto, auto) { return attr.exclude_kernel ? EBUSY : 0; };
    CHECK(pmu_facts(with_pmu, api).events.front().refusal ==
          "in user space: another program holds the PMU for itself: Device or resource busy (EBUSY)");
}

TEST_CASE("doctor: an event refused in both spaces says so once, or each with its reason") {
    FakeApi api;
    api.refuse = [](const auto&, auto, auto) { return ENOENT; };
    const PmuFacts facts = pmu_facts(without_pmu, api);
    CHECK_FALSE(facts.hardware_pmu());
    CHECK(facts.events.front().refusal == "this machine exposes no hardware counter for it (no PMU; usual in a VM)");
    CHECK(facts.events.back().refusal == "this kernel has no such software event");
    api.refuse = [](const perf_event_attr& attr, auto, auto) { return attr.exclude_user ? ESRCH : ENOSYS; };
    CHECK(pmu_facts(without_pmu, api).events.front().refusal ==
          "in user space: this kernel was built without performance events (CONFIG_PERF_EVENTS); "
          "in kernel space: the thread had ended before its counters were opened");
}
