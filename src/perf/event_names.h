// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "perf/pmu.h"

// Events that the kernel itself has numbers for, under perf's names (perf-list(1), tools/perf/util/parse-events.c).

namespace netio::perf {

struct Symbol {
    std::string name;  // the first of its names: "cpu-cycles" is "cycles"
    std::uint32_t type = 0;
    std::uint64_t config = 0;
    // What PMUs call the same in their folder `events`: Intel's and AMD's, then ARM's (armv8_pmuv3_perf_map). Empty
    // where they have no name for it.
    std::vector<std::string> own_names = {};
};

// By any of its names; none where the kernel has no such event.
std::optional<Symbol> find_symbol(std::string_view name);

// First names: "cycles", ..., "task-clock", ..., "L1-dcache-loads", ...
std::vector<std::string> symbols_of(std::uint32_t type);

// How an event of the kernel's is asked of one core PMU among several.
enum class Naming : std::uint8_t {
    extended,  // the kernel's number, with the PMU's type in the upper 32 bits of config
    own,       // the PMU's own name for it
};

// None where the PMU has no name for it.
std::optional<Encoding> encoding_on(const Pmu& pmu, const Symbol& symbol, Naming naming);

}  // namespace netio::perf
