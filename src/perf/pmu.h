// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The performance monitoring units that the kernel has drivers for, and how it wants their events written.

namespace netio::perf {

// What perf_event_attr has room for to name an event.
struct Encoding {
    std::uint32_t type = 0;  // PERF_TYPE_*, or the type of a PMU
    std::uint64_t config = 0;
    std::uint64_t config1 = 0;
    std::uint64_t config2 = 0;
    bool operator==(const Encoding&) const = default;
};

// One folder below sys/bus/event_source/devices (Documentation/ABI/testing/sysfs-bus-event_source-devices-*).
struct Pmu {
    std::string name;                           // "cpu", "cpu_atom", "armv8_cortex_a53", "uncore_imc_0", "msr"
    std::uint32_t type = 0;                     // perf_event_attr::type of its events
    bool core = false;                          // a processor's own: it counts what threads execute
    std::vector<std::uint32_t> cpus;            // a core PMU's processors, or those another one is read on; empty: any
    std::map<std::string, std::string> format;  // term -> bits: "event" -> "config:0-7,32-35"
    std::map<std::string, std::string> events;  // name -> terms: "cpu-cycles" -> "event=0x3c"
    std::map<std::string, std::string> caps;    // "pmu_name" -> "skylake"
    bool operator==(const Pmu&) const = default;
};

// All of them, by name. Machines with several kinds of cores have several core PMUs: cpu_core and cpu_atom, or one for
// each kind of ARM core. What is not whole (no type, a broken list of processors) is left out.
std::vector<Pmu> find_pmus(const std::filesystem::path& root = "/");

// The terms of an event, "event=0x3c,umask=0x1", "edge" or the name of one of the PMU's events, as its format has them;
// config, config1 and config2 are terms of every PMU. Errors: ExitCode::usage; `why` names the term, and `advice` what
// the PMU knows.
Result<Encoding> encode(const Pmu& pmu, std::string_view terms);

}  // namespace netio::perf
