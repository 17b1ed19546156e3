// SPDX-License-Identifier: MIT
#include "perf/event_names.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <array>

#include "base/words.h"

namespace netio::perf {
namespace {

struct Row {
    std::uint32_t type = 0;
    std::uint64_t config = 0;
    std::array<std::string_view, 2> names;  // the second may be empty
    std::array<std::string_view, 2> own_names;
};

constexpr std::array<Row, 22> rows{{
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, {"cycles", "cpu-cycles"}, {"cpu-cycles", "cpu_cycles"}},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, {"instructions"}, {"instructions", "inst_retired"}},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, {"cache-references"}, {"cache-references", "l1d_cache"}},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, {"cache-misses"}, {"cache-misses", "l1d_cache_refill"}},
    {PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
     {"branches", "branch-instructions"},
     {"branch-instructions", "br_retired"}},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, {"branch-misses"}, {"branch-misses", "br_mis_pred"}},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES, {"bus-cycles"}, {"bus-cycles", "bus_cycles"}},
    {PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
     {"stalled-cycles-frontend", "idle-cycles-frontend"},
     {"stalled-cycles-frontend", "stall_frontend"}},
    {PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_STALLED_CYCLES_BACKEND,
     {"stalled-cycles-backend", "idle-cycles-backend"},
     {"stalled-cycles-backend", "stall_backend"}},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, {"ref-cycles"}, {"ref-cycles"}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, {"cpu-clock"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, {"task-clock"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, {"page-faults", "faults"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, {"context-switches", "cs"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, {"cpu-migrations", "migrations"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, {"minor-faults"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, {"major-faults"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS, {"alignment-faults"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS, {"emulation-faults"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, {"dummy"}, {}},
    {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_BPF_OUTPUT, {"bpf-output"}, {}},
    {PERF_TYPE_SOFTWARE, 11, {"cgroup-switches"}, {}},  // PERF_COUNT_SW_CGROUP_SWITCHES, since Linux 5.13
}};

// A PERF_TYPE_HW_CACHE config is cache | operation << 8 | result << 16.
struct CachePart {
    std::string_view word;
    std::uint64_t bits;
};
constexpr std::array<CachePart, 7> caches{{{"L1-dcache", PERF_COUNT_HW_CACHE_L1D},
                                           {"L1-icache", PERF_COUNT_HW_CACHE_L1I},
                                           {"LLC", PERF_COUNT_HW_CACHE_LL},
                                           {"dTLB", PERF_COUNT_HW_CACHE_DTLB},
                                           {"iTLB", PERF_COUNT_HW_CACHE_ITLB},
                                           {"branch", PERF_COUNT_HW_CACHE_BPU},
                                           {"node", PERF_COUNT_HW_CACHE_NODE}}};

constexpr std::uint64_t access_of(std::uint64_t operation) {
    return operation << 8 | std::uint64_t{PERF_COUNT_HW_CACHE_RESULT_ACCESS} << 16;
}
constexpr std::uint64_t miss_of(std::uint64_t operation) {
    return operation << 8 | std::uint64_t{PERF_COUNT_HW_CACHE_RESULT_MISS} << 16;
}
constexpr std::array<CachePart, 6> cache_events{{{"loads", access_of(PERF_COUNT_HW_CACHE_OP_READ)},
                                                 {"load-misses", miss_of(PERF_COUNT_HW_CACHE_OP_READ)},
                                                 {"stores", access_of(PERF_COUNT_HW_CACHE_OP_WRITE)},
                                                 {"store-misses", miss_of(PERF_COUNT_HW_CACHE_OP_WRITE)},
                                                 {"prefetches", access_of(PERF_COUNT_HW_CACHE_OP_PREFETCH)},
                                                 {"prefetch-misses", miss_of(PERF_COUNT_HW_CACHE_OP_PREFETCH)}}};

// ARM's names for what it has of the caches (armv8_pmuv3_perf_cache_map).
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> cache_own_names{
    {{"L1-dcache-loads", "l1d_cache"},
     {"L1-dcache-load-misses", "l1d_cache_refill"},
     {"L1-icache-loads", "l1i_cache"},
     {"L1-icache-load-misses", "l1i_cache_refill"},
     {"LLC-loads", "ll_cache_rd"},
     {"LLC-load-misses", "ll_cache_miss_rd"},
     {"dTLB-load-misses", "l1d_tlb_refill"},
     {"iTLB-load-misses", "l1i_tlb_refill"}}};

std::vector<std::string> not_empty(const std::array<std::string_view, 2>& words) {
    std::vector<std::string> found;
    for (const std::string_view word : words) {
        if (!word.empty()) {
            found.emplace_back(word);
        }
    }
    return found;
}

Symbol cache_symbol(const CachePart& cache, const CachePart& event) {
    Symbol symbol{std::string(cache.word) + "-" + std::string(event.word), PERF_TYPE_HW_CACHE, cache.bits | event.bits};
    for (const auto& [name, own] : cache_own_names) {
        if (symbol.name == name) {
            symbol.own_names.emplace_back(own);
        }
    }
    return symbol;
}

std::vector<Symbol> cache_symbols() {
    std::vector<Symbol> symbols;
    for (const CachePart& cache : caches) {
        for (const CachePart& event : cache_events) {
            symbols.push_back(cache_symbol(cache, event));
        }
    }
    return symbols;
}

}  // namespace

std::optional<Symbol> find_symbol(std::string_view name) {
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return !name.empty() && is_one_of(name, r.names); });
    if (row != rows.end()) {
        return Symbol{std::string(row->names[0]), row->type, row->config, not_empty(row->own_names)};
    }
    for (Symbol& symbol : cache_symbols()) {
        if (symbol.name == name) {
            return std::move(symbol);
        }
    }
    return std::nullopt;
}

std::vector<std::string> symbols_of(std::uint32_t type) {
    std::vector<std::string> names;
    for (const Row& row : rows) {
        if (row.type == type) {
            names.emplace_back(row.names[0]);
        }
    }
    for (const Symbol& symbol : cache_symbols()) {
        if (symbol.type == type) {
            names.push_back(symbol.name);
        }
    }
    return names;
}

std::optional<Encoding> encoding_on(const Pmu& pmu, const Symbol& symbol, Naming naming) {
    if (naming == Naming::extended) {
        return Encoding{symbol.type, std::uint64_t{pmu.type} << 32 | symbol.config};
    }
    for (const std::string& name : symbol.own_names) {
        if (pmu.events.contains(name)) {
            if (const auto encoding = encode(pmu, name)) {
                return *encoding;
            }
        }
    }
    return std::nullopt;
}

}  // namespace netio::perf
