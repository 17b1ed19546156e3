// SPDX-License-Identifier: MIT
#include "ledger/timing.h"

#include <string>

#include "stats/ratio.h"

namespace netio::ledger {

namespace {

using model::StageTime;
using model::TimedPassages;
using model::TimedStage;
using Count = model::Figure<std::uint64_t>;

constexpr const char* no_payload = "no payload was sent";

struct Sum {
    std::uint64_t calls = 0;
    std::uint64_t ns = 0;
    std::uint64_t server_ns = 0;
    std::uint64_t client_ns = 0;
    std::uint64_t cycles = 0;
    std::uint64_t instructions = 0;

    void add(const TimedPassages& passages) {
        calls += passages.calls;
        ns += passages.ns;
        (passages.role == model::Role::server ? server_ns : client_ns) += passages.ns;
        cycles += passages.cycles;
        instructions += passages.instructions;
    }
};

Sum sum_of(const TimedStage& stage) {
    Sum sum;
    for (const TimedPassages& passages : stage.passages) {
        sum.add(passages);
    }
    return sum;
}

Sum sum_of_all(const model::TimingFacts& facts) {
    Sum sum;
    for (const TimedStage& stage : facts.stages) {
        if (!stage.waiting) {
            for (const TimedPassages& passages : stage.passages) {
                sum.add(passages);
            }
        }
    }
    return sum;
}

Count counted(std::uint64_t count, const std::string& not_counted) {
    return not_counted.empty() ? Count(count) : Count::missing(not_counted);
}

void fill(StageTime& time, const Sum& sum, const std::string& not_counted, const Count& payload) {
    time.calls = sum.calls;
    time.ns_per_byte = stats::safe_ratio(sum.ns, payload, no_payload);
    time.server_ns_per_byte = stats::safe_ratio(sum.server_ns, payload, no_payload);
    time.client_ns_per_byte = stats::safe_ratio(sum.client_ns, payload, no_payload);
    time.cycles_per_byte = stats::safe_ratio(counted(sum.cycles, not_counted), payload, no_payload);
    time.instructions_per_byte = stats::safe_ratio(counted(sum.instructions, not_counted), payload, no_payload);
}

void mark_unseen(StageTime& time, const TimedStage& stage) {
    if (!stage.unseen.empty()) {
        time.calls = Count::missing(stage.unseen);
        for (auto* figure : {&time.ns_per_byte, &time.server_ns_per_byte, &time.client_ns_per_byte,
                             &time.cycles_per_byte, &time.instructions_per_byte}) {
            *figure = model::Figure<double>::missing(stage.unseen);
        }
    }
}

Count kernel_cycles(std::span<const model::CounterRow> counters) {
    Count sum = Count::missing("cycles were not counted");
    for (const model::CounterRow& row : counters) {
        if (row.event == "cycles") {
            if (!row.kernel.measured()) {
                return row.kernel;
            }
            sum = sum.value_or(0) + row.kernel.value();
        }
    }
    return sum;
}

}  // namespace

model::Timing summarize_timing(const model::TimingFacts& facts, std::span<const model::CounterRow> counters,
                               const Count& payload_bytes) {
    model::Timing timing;
    timing.not_counted = facts.not_counted;
    timing.missed = facts.missed;
    const Sum all = sum_of_all(facts);
    for (const TimedStage& stage : facts.stages) {
        const Sum sum = sum_of(stage);
        StageTime time;
        time.id = stage.id;
        time.name = stage.name;
        time.functions = stage.functions;
        time.waiting = stage.waiting;
        time.share = stage.waiting ? 0 : stats::safe_ratio(sum.ns, all.ns).value_or(0);
        fill(time, sum, facts.not_counted, payload_bytes);
        mark_unseen(time, stage);
        timing.stages.push_back(std::move(time));
    }
    timing.total.id = "total";
    timing.total.name = "total";
    timing.total.share = all.ns == 0 ? 0 : 1;
    fill(timing.total, all, facts.not_counted, payload_bytes);
    timing.covered_share =
        stats::safe_ratio(counted(all.cycles, facts.not_counted), kernel_cycles(counters), "no cycle was counted");
    return timing;
}

}  // namespace netio::ledger
