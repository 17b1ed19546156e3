// SPDX-License-Identifier: MIT
#include "ledger/profile.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ledger/counters.h"
#include "stats/proportion.h"
#include "stats/ratio.h"

namespace netio::ledger {
namespace {

using model::Profile;
using model::ProfileFacts;
using model::ProfileStack;
using model::Runner;
using model::SampleSum;
using model::StageCost;
using Count = model::Figure<std::uint64_t>;

constexpr std::size_t functions_shown = 3;

SampleSum& sum_of(StageCost& cost, Runner runner) {
    return runner == Runner::server ? cost.server : runner == Runner::client ? cost.client : cost.elsewhere;
}

// A row in the making, with the functions that put samples into it.
struct Row {
    StageCost cost;
    std::map<std::string, std::uint64_t> functions;
};

std::vector<std::string> most_frequent(const std::map<std::string, std::uint64_t>& samples_of) {
    std::vector<std::pair<std::string, std::uint64_t>> sorted(samples_of.begin(), samples_of.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    std::vector<std::string> names;
    for (const auto& entry : sorted) {
        if (names.size() < functions_shown) {
            names.push_back(entry.first);
        }
    }
    return names;
}

std::vector<Row> empty_rows(const Stages& table) {
    std::vector<Row> rows(table.rows().size() + 2);
    rows.front().cost.id = rows.front().cost.name = program_stage;
    for (std::size_t i = 0; i < table.rows().size(); ++i) {
        rows[i + 1].cost.id = table.rows()[i].id;
        rows[i + 1].cost.name = table.rows()[i].name;
    }
    rows.back().cost.id = rows.back().cost.name = other_stage;
    return rows;
}

std::vector<Row> sort_samples(const ProfileFacts& facts, const Stages& table) {
    std::vector<Row> rows = empty_rows(table);
    for (const ProfileStack& stack : facts.stacks) {
        const SampleSum sum{stack.samples, stack.weight};
        if (stack.user) {
            sum_of(rows.front().cost, stack.runner) += sum;
            continue;
        }
        const StageMatch match = table.classify(stack.frames);
        const bool named = match.stage != nullptr;
        Row& row = named ? rows[static_cast<std::size_t>(match.stage - table.rows().data()) + 1] : rows.back();
        sum_of(row.cost, stack.runner) += sum;
        const std::string unnamed = stack.frames.empty() ? std::string() : stack.frames.front();
        row.functions[named ? std::string(match.function) : unnamed] += stack.samples;
    }
    return rows;
}

std::uint64_t samples_in(const StageCost& cost) {
    return cost.server.samples + cost.client.samples + cost.elsewhere.samples;
}

// Weight per payload byte, as it would be had the counter run all the time.
struct PerByte {
    const ProfileFacts& facts;
    const Count& payload_bytes;

    model::Figure<double> operator()(std::uint64_t weight) const {
        const bool shared = facts.running_ns < facts.enabled_ns;
        const Count whole = shared ? scaled(weight, facts.enabled_ns, facts.running_ns) : Count(weight);
        return stats::safe_ratio(whole, payload_bytes, "no payload was sent");
    }
};

void add_figures(StageCost& cost, std::uint64_t all_samples, const PerByte& per_byte) {
    cost.server_per_byte = per_byte(cost.server.weight);
    cost.client_per_byte = per_byte(cost.client.weight);
    cost.elsewhere_per_byte = per_byte(cost.elsewhere.weight);
    cost.per_byte = per_byte(cost.server.weight + cost.client.weight + cost.elsewhere.weight);
    cost.share = stats::safe_ratio(samples_in(cost), all_samples).value_or(0);
    cost.margin = stats::proportion_margin(cost.share, all_samples);
}

StageCost total_of(const std::vector<Row>& rows) {
    StageCost total;
    total.id = total.name = "sum";
    for (const Row& row : rows) {
        total.server += row.cost.server;
        total.client += row.cost.client;
        total.elsewhere += row.cost.elsewhere;
    }
    return total;
}

// Of the kernel samples of server and client, those that a class of the table took.
model::Figure<double> named_share(const std::vector<Row>& rows) {
    std::uint64_t kernel = 0;
    std::uint64_t named = 0;
    for (const Row& row : rows) {
        const std::uint64_t samples = row.cost.server.samples + row.cost.client.samples;
        kernel += row.cost.id == program_stage ? 0 : samples;
        named += row.cost.id == program_stage || row.cost.id == other_stage ? 0 : samples;
    }
    return stats::safe_ratio(named, kernel, "no sample hit server or client in the kernel");
}

}  // namespace

Profile summarize_profile(const ProfileFacts& facts, const Count& payload_bytes, const Stages& table) {
    Profile profile;
    profile.event = facts.event;
    profile.unit = facts.unit;
    profile.not_cycles = facts.not_cycles;
    profile.rate_hz = facts.rate_hz;
    profile.cpus = facts.cpus;
    profile.left_out = facts.left_out;
    profile.lost = facts.lost;
    profile.throttled = facts.throttled;
    profile.running_share = facts.enabled_ns == 0 ? 1 : stats::safe_ratio(facts.running_ns, facts.enabled_ns).value();
    profile.covered_share = stats::safe_ratio(facts.weight, facts.counted, "the events counted nothing");
    std::vector<Row> rows = sort_samples(facts, table);
    profile.named_share = named_share(rows);
    profile.total = total_of(rows);
    profile.samples = samples_in(profile.total);
    const PerByte per_byte{facts, payload_bytes};
    add_figures(profile.total, profile.samples, per_byte);
    for (Row& row : rows) {
        add_figures(row.cost, profile.samples, per_byte);
        row.cost.functions = most_frequent(row.functions);
        profile.stages.push_back(std::move(row.cost));
    }
    return profile;
}

}  // namespace netio::ledger
