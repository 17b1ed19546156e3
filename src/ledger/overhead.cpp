// SPDX-License-Identifier: MIT
#include "ledger/overhead.h"

#include <algorithm>

#include "stats/ratio.h"

namespace netio::ledger {

namespace {

// Nanoseconds that server and client ran.
model::Figure<std::uint64_t> task_clock(std::span<const model::CounterRow> counters) {
    auto sum = model::Figure<std::uint64_t>::missing("task-clock was not counted");
    for (const model::CounterRow& row : counters) {
        if (row.event == "task-clock") {
            if (!row.total.measured()) {
                return row.total;
            }
            sum = sum.value_or(0) + row.total.value();
        }
    }
    return sum;
}

}  // namespace

model::Overhead summarize_overhead(const std::vector<model::ProgramRuns>& runs,
                                   std::span<const model::CounterRow> counters, const model::Ledger& books) {
    model::Overhead overhead;
    for (const model::ProgramRuns& program : runs) {
        overhead.runs += program.runs;
        overhead.ns += program.ns;
        overhead.skipped += program.skipped;
        if (program.runs != 0 || program.skipped != 0) {
            overhead.programs.push_back(program);
        }
    }
    std::stable_sort(overhead.programs.begin(), overhead.programs.end(),
                     [](const auto& a, const auto& b) { return a.ns > b.ns; });
    constexpr const char* no_call = "nothing was sent";
    overhead.runs_per_send = stats::safe_ratio(overhead.runs, books.send_calls, no_call);
    overhead.ns_per_send = stats::safe_ratio(overhead.ns, books.send_calls, no_call);
    overhead.ns_per_byte = stats::safe_ratio(overhead.ns, books.payload_bytes, no_call);
    overhead.share = stats::safe_ratio(overhead.ns, task_clock(counters), "no time passed");
    return overhead;
}

}  // namespace netio::ledger
