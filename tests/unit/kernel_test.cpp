// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "fake_root.h"
#include "kernel/environment.h"
#include "kernel/limits.h"
#include "kernel/preemption.h"
#include "kernel/processor_times.h"

using namespace netio;
using namespace netio::kernel;

namespace {

constexpr std::string_view limits_text =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max locked memory         8388608              16777216             bytes     \n"
    "Max address space         unlimited            unlimited            bytes     \n";

std::string hypervisor_of(const FakeRoot& machine) {
    return read_environment({machine.path()}, "").hypervisor;
}

}  // namespace

TEST_CASE("kernel: a path is read below the root, absolute or not") {
    CHECK((Root{} / "proc/mounts") == "/proc/mounts");
    CHECK((Root{"/fake"} / "proc/mounts") == "/fake/proc/mounts");
    CHECK((Root{"/fake"} / "/proc/mounts") == "/fake/proc/mounts");
}

TEST_CASE("kernel: the environment of a virtual machine") {
    const FakeRoot machine;
    machine.file("proc/sys/kernel/osrelease", "6.18.4-test\n");
    machine.file("proc/sys/kernel/arch", "riscv64\n");
    machine.file("proc/cpuinfo",
                 "processor\t: 0\nmodel name\t: Imaginary 9000\nflags\t\t: fpu hypervisor sse\n\nprocessor\t: 1\n");
    machine.file("sys/devices/system/cpu/online", "0-2,5,8-9\n");
    machine.file("sys/class/dmi/id/sys_vendor", "QEMU\n");
    machine.file("sys/class/dmi/id/product_name", "Standard PC\n");
    machine.file("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    machine.file("proc/sys/net/core/optmem_max", "131072\n");
    machine.file("proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t4194304\n");
    machine.file("proc/sys/net/ipv4/tcp_congestion_control", "cubic\n");
    machine.file("proc/self/limits", limits_text);

    const model::Environment environment = read_environment({machine.path()}, "2031-02-03T04:05:06Z");
    CHECK(environment.tool_version == NETIO_VERSION);
    CHECK(environment.kernel_release == "6.18.4-test");
    CHECK(environment.machine == "riscv64");
    CHECK(environment.cpu_model == "Imaginary 9000");
    CHECK(environment.cpus == 6);
    CHECK(environment.hypervisor == "QEMU Standard PC");
    CHECK(environment.lockdown == "integrity");
    CHECK(environment.started_utc == "2031-02-03T04:05:06Z");
    CHECK(environment.limits == std::map<std::string, std::string>{{"net.core.optmem_max", "131072"},
                                                                   {"net.ipv4.tcp_wmem", "4096 16384 4194304"},
                                                                   {"net.ipv4.tcp_congestion_control", "cubic"},
                                                                   {"RLIMIT_MEMLOCK", "8388608"}});
}

TEST_CASE("kernel: nothing is guessed of a machine that tells nothing") {
    const FakeRoot machine;
    utsname name{};
    REQUIRE(::uname(&name) == 0);
    const model::Environment environment = read_environment({machine.path()}, "now");
    CHECK(environment.kernel_release == "unknown");
    CHECK(environment.machine == static_cast<const char*>(name.machine));
    CHECK(environment.cpu_model == "unknown");
    CHECK(environment.cpus == 0);
    CHECK(environment.hypervisor.empty());
    CHECK(environment.lockdown == "unknown");
    CHECK(environment.limits.empty());
}

TEST_CASE("kernel: a hypervisor is named by firmware, by Xen, or not at all") {
    const FakeRoot machine;
    SUBCASE("a vendor alone proves no virtual machine") {
        machine.file("sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
        machine.file("proc/cpuinfo", "flags\t: fpu sse\n");
        CHECK(hypervisor_of(machine).empty());
    }
    SUBCASE("the flag with no firmware tables") {
        machine.file("proc/cpuinfo", "flags\t: fpu hypervisor\n");
        CHECK(hypervisor_of(machine) == "unnamed");
    }
    SUBCASE("a flag that only contains the word") {
        machine.file("proc/cpuinfo", "flags\t: fpu nohypervisor\n");
        CHECK(hypervisor_of(machine).empty());
    }
    SUBCASE("no flag, a vendor of virtual machines only") {
        machine.file("sys/class/dmi/id/sys_vendor", "VMware, Inc.\n");
        CHECK(hypervisor_of(machine) == "VMware, Inc.");
    }
    SUBCASE("no firmware, a device tree") {
        machine.file("sys/firmware/devicetree/base/compatible", std::string_view("linux,dummy-virt\0", 17));
        CHECK(hypervisor_of(machine) == "linux,dummy-virt");
        machine.file("sys/firmware/devicetree/base/compatible", std::string_view("raspberrypi,5\0brcm\0", 19));
        CHECK(hypervisor_of(machine).empty());
    }
    SUBCASE("Xen") {
        machine.file("sys/hypervisor/type", "xen\n");
        CHECK(hypervisor_of(machine) == "xen");
    }
}

TEST_CASE("kernel: lockdown and the list of CPUs, when they are strange") {
    const FakeRoot machine;
    machine.file("sys/kernel/security/lockdown", "none integrity\n");
    machine.file("sys/devices/system/cpu/online", "3-1\n");
    model::Environment environment = read_environment({machine.path()}, "");
    CHECK(environment.lockdown == "unknown");
    CHECK(environment.cpus == 0);
    machine.file("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    machine.file("sys/devices/system/cpu/online", "0\n");
    environment = read_environment({machine.path()}, "");
    CHECK(environment.lockdown == "none");
    CHECK(environment.cpus == 1);
    machine.file("sys/devices/system/cpu/online", "0-1-2\n");
    CHECK(read_environment({machine.path()}, "").cpus == 0);
}

TEST_CASE("kernel: limits are numbers, or an error that names the file") {
    const FakeRoot machine;
    const Root root{machine.path()};
    CHECK(optmem_max(root).error().what == "cannot read " + (root / "proc/sys/net/core/optmem_max").string());
    CHECK(optmem_max(root).error().why == errno_text(ENOENT));
    machine.file("proc/sys/net/core/optmem_max", "20480\n");
    CHECK(optmem_max(root).value() == 20480);
    machine.file("proc/sys/net/core/optmem_max", "20480 bytes\n");
    CHECK(optmem_max(root).error().why == "'20480 bytes' is not a number");

    machine.file("proc/sys/kernel/perf_event_paranoid", "-1\n");
    CHECK(perf_event_paranoid(root).value() == -1);
    machine.file("proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
    CHECK(unprivileged_bpf_disabled(root).value() == 2);
}

TEST_CASE("kernel: the soft limit of locked memory") {
    const FakeRoot machine;
    const Root root{machine.path()};
    machine.file("proc/self/limits", limits_text);
    CHECK(memlock_limit(root, 0).value() == 8388608);
    machine.file("proc/4711/limits",
                 "Max locked memory         unlimited            unlimited            bytes     \n");
    CHECK(memlock_limit(root, 4711).value() == unlimited);
    machine.file("proc/4712/limits", "Max cpu time unlimited unlimited seconds\n");
    CHECK(memlock_limit(root, 4712).error().why == "it has no line for locked memory");
    machine.file("proc/4713/limits", "Max locked memory         lots                 lots                 bytes\n");
    CHECK(memlock_limit(root, 4713).error().why == "'lots' is not a number");
    CHECK(memlock_limit(root, 4714).error().why == errno_text(ENOENT));
}

TEST_CASE("kernel: BTF is there or not") {
    const FakeRoot machine;
    CHECK_FALSE(has_btf({machine.path()}));
    machine.file("sys/kernel/btf/vmlinux", "x");
    CHECK(has_btf({machine.path()}));
}

TEST_CASE("kernel: tracefs is found where it is mounted, with kprobes or without") {
    const FakeRoot machine;
    const Root root{machine.path()};
    CHECK_FALSE(tracefs_folder(root).has_value());
    CHECK(kprobe_support(root) == KprobeSupport{});

    machine.file("proc/mounts", "proc /proc proc rw 0 0\ndebugfs /debug debugfs rw 0 0\n");
    CHECK_FALSE(tracefs_folder(root).has_value());
    machine.folder("debug/tracing/events");
    CHECK(tracefs_folder(root) == machine.path() / "debug/tracing");
    CHECK_FALSE(kprobe_support(root).any());

    machine.file("proc/mounts", "debugfs /debug debugfs rw 0 0\ntracefs /a\\040place tracefs rw 0 0\n");
    CHECK(tracefs_folder(root) == machine.path() / "a place");
    machine.file("a place/kprobe_events", "");
    CHECK(kprobe_support(root) == KprobeSupport{.tracefs = true, .perf_pmu = false});
    machine.folder("sys/bus/event_source/devices/kprobe");
    CHECK(kprobe_support(root) == KprobeSupport{.tracefs = true, .perf_pmu = true});
}

TEST_CASE("kernel: capabilities agree with what procfs says of this process") {
    const std::string status = read_file("/proc/self/status").value();
    const std::size_t at = status.find("CapEff:\t");
    REQUIRE(at != std::string::npos);
    const unsigned long long mask = std::stoull(status.substr(at + 8, 16), nullptr, 16);
    const auto in_mask = [&](unsigned capability) { return ((mask >> capability) & 1U) != 0; };
    CHECK(own_capabilities().value() == Capabilities{.bpf = in_mask(CAP_BPF),
                                                     .perfmon = in_mask(CAP_PERFMON),
                                                     .net_admin = in_mask(CAP_NET_ADMIN),
                                                     .net_raw = in_mask(CAP_NET_RAW),
                                                     .sys_admin = in_mask(CAP_SYS_ADMIN)});
}

TEST_CASE("preemption: a kernel built without it never preempts") {
    const FakeRoot fake;
    fake.file("proc/sys/kernel/version", "#1 SMP Debian 5.10.223-1 (2024-08-10)\n");
    CHECK_FALSE(may_preempt(Root{fake.path()}));
}

TEST_CASE("preemption: a dynamic kernel says which model is in force") {
    const FakeRoot fake;
    fake.file("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.107-1 (2026-08-29)\n");
    CHECK(may_preempt(Root{fake.path()}));
    for (const auto& [text, preempts] : std::map<std::string, bool>{{"(none) voluntary full lazy\n", false},
                                                                    {"none (voluntary) full\n", false},
                                                                    {"none voluntary (full)\n", true},
                                                                    {"full (lazy)\n", true}}) {
        fake.file("sys/kernel/debug/sched/preempt", text);
        CHECK_MESSAGE(may_preempt(Root{fake.path()}) == preempts, text);
    }
}

TEST_CASE("preemption: what cannot be read may preempt") {
    const FakeRoot fake;
    CHECK(may_preempt(Root{fake.path()}));
}

TEST_CASE("kernel: the time of each processor, in steps of the interface to programs") {
    const FakeRoot machine;
    const Root root{machine.path()};
    CHECK_FALSE(processor_times(root));
    machine.file("proc/stat",
                 "cpu  100 20 30 400 5 6 7 8 9 0\n"
                 "cpu0 60 10 20 200 5 2 3 8 9 0\n"
                 "cpu12 40 10 10 200 0 4 4 0 0 0\n"
                 "cpu13 40 10 10 200 0 4 x 0 0 0\n"
                 "cpu14 40\n"
                 "intr 104411851 0\n");
    const auto times = processor_times(root);
    REQUIRE(times);
    const std::uint64_t step = processor_time_step_ns();
    CHECK(step > 0);
    // User, nice, system, interrupts and softirqs; not idle, waiting or stolen, and guests' time only once.
    CHECK(*times == std::vector<ProcessorTimes>{{0, 95 * step, 3 * step}, {12, 68 * step, 4 * step}});
}

TEST_CASE("kernel: what processors did between two moments") {
    const std::vector<ProcessorTimes> before{{0, 1000, 100}, {2, 5000, 500}};
    const std::vector<ProcessorTimes> after{{0, 4000, 150}, {1, 9000, 900}, {2, 5000, 400}};
    const std::chrono::nanoseconds long_enough{50 * processor_time_step_ns()};
    const auto readings = time_readings(before, after, long_enough);
    REQUIRE(readings.size() == 4);  // processor 1 came in between
    CHECK(readings[0].cpu == 0);
    CHECK(readings[0].event == "busy-time");
    CHECK(readings[0].count.value() == 3000);
    CHECK(readings[0].enabled_ns == static_cast<std::uint64_t>(long_enough.count()));
    CHECK(readings[0].running_ns == readings[0].enabled_ns);
    CHECK(readings[1].event == "softirq-time");
    CHECK(readings[1].count.value() == 50);
    CHECK(readings[2].count.value() == 0);
    CHECK(readings[3].count.value() == 0);  // such a clock was seen to go back (proc(5))
    for (const auto& reading : time_readings(before, after, long_enough - std::chrono::nanoseconds(1))) {
        CHECK(reading.count.reason().starts_with("the run took less than 50 steps of "));
    }
}
