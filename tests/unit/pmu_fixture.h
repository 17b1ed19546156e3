// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <tuple>
#include <utility>

#include "fake_root.h"

// The folder sys/bus/event_source/devices of machines as kernels show them.

namespace netio::test {

using Files = std::initializer_list<std::pair<const char*, const char*>>;

inline void add_pmu(const FakeRoot& root, const std::string& name, Files files) {
    for (const auto& [file, text] : files) {
        root.file("sys/bus/event_source/devices/" + name + "/" + file, std::string(text) + "\n");
    }
}

// What has no cores: in every machine.
inline void add_kernel_pmus(const FakeRoot& root) {
    add_pmu(root, "software", {{"type", "1"}});
    add_pmu(root, "tracepoint", {{"type", "2"}});
    add_pmu(root, "breakpoint", {{"type", "5"}});
    add_pmu(root, "msr", {{"type", "9"}, {"format/event", "config:0-63"}, {"events/tsc", "event=0x00"}});
}

inline constexpr Files intel_format{{"format/event", "config:0-7"},   {"format/umask", "config:8-15"},
                                    {"format/edge", "config:18"},     {"format/inv", "config:23"},
                                    {"format/cmask", "config:24-31"}, {"format/offcore_rsp", "config1:0-63"}};

// Linux 6.1 on an Alder Lake laptop: two performance cores of two threads and four efficient ones.
inline void add_intel_hybrid(const FakeRoot& root) {
    add_kernel_pmus(root);
    add_pmu(root, "cpu_core",
            {{"type", "4"},
             {"cpus", "0-3"},
             {"caps/pmu_name", "alderlake_hybrid"},
             {"caps/branches", "32"},
             {"events/cpu-cycles", "event=0x3c"},
             {"events/instructions", "event=0xc0"},
             {"events/cache-references", "event=0x2e,umask=0x4f"},
             {"events/cache-misses", "event=0x2e,umask=0x41"},
             {"events/slots", "event=0x00,umask=0x4"},
             {"events/mem-loads", "event=0xcd,umask=0x1,ldlat=3"}});
    add_pmu(root, "cpu_core", intel_format);
    add_pmu(root, "cpu_core", {{"format/ldlat", "config1:0-15"}});
    add_pmu(root, "cpu_atom",
            {{"type", "10"},
             {"cpus", "4-7"},
             {"caps/pmu_name", "alderlake_hybrid"},
             {"events/cpu-cycles", "event=0x3c"},
             {"events/instructions", "event=0xc0"},
             {"events/cache-references", "event=0x2e,umask=0x4f"},
             {"events/cache-misses", "event=0x2e,umask=0x41"}});
    add_pmu(root, "cpu_atom", intel_format);
    add_pmu(root, "uncore_imc_0",
            {{"type", "24"},
             {"cpumask", "0"},
             {"format/event", "config:0-7"},
             {"events/data_read", "event=0x1"},
             {"events/data_read.scale", "6.103515625e-5"},
             {"events/data_read.unit", "MiB"}});
    root.file("sys/devices/system/cpu/online", "0-7\n");
}

// Linux 6.1 on an EPYC server.
inline void add_amd(const FakeRoot& root) {
    add_kernel_pmus(root);
    add_pmu(root, "cpu",
            {{"type", "4"},
             {"caps/max_precise", "0"},
             {"format/event", "config:0-7,32-35"},
             {"format/umask", "config:8-15"},
             {"format/edge", "config:18"},
             {"events/cpu-cycles", "event=0x76"},
             {"events/branch-misses", "event=0xc3"}});
    add_pmu(root, "amd_l3",
            {{"type", "13"}, {"cpumask", "0,8"}, {"format/event", "config:0-7"}, {"format/umask", "config:8-15"}});
    add_pmu(root, "ibs_op", {{"type", "11"}, {"format/cnt_ctl", "config:19"}});
    add_pmu(root, "power", {{"type", "12"}, {"cpumask", "0"}, {"events/energy-pkg", "event=0x02"}});
    root.file("sys/devices/system/cpu/online", "0-15\n");
}

// Linux 5.10 on a board with four little and two big ARM cores.
inline void add_big_little(const FakeRoot& root) {
    add_kernel_pmus(root);
    for (const auto& [name, type, cpus] :
         {std::tuple{"armv8_cortex_a53", "7", "0-3"}, std::tuple{"armv8_cortex_a72", "8", "4-5"}}) {
        add_pmu(root, name,
                {{"type", type},
                 {"cpus", cpus},
                 {"format/event", "config:0-15"},
                 {"format/long", "config1:0"},
                 {"events/cpu_cycles", "event=0x0011"},
                 {"events/inst_retired", "event=0x0008"},
                 {"events/l1d_cache", "event=0x0004"},
                 {"events/l1d_cache_refill", "event=0x0003"}});
    }
    add_pmu(root, "armv8_cortex_a72", {{"events/br_retired", "event=0x0021"}});
    add_pmu(root, "arm_spe_0", {{"type", "16"}, {"cpumask", "4-5"}, {"format/ts_enable", "config:0"}});
    root.file("sys/devices/system/cpu/online", "0-5\n");
}

}  // namespace netio::test
