// SPDX-License-Identifier: MIT
#include "explain/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/words.h"
#include "explain/break_even.h"
#include "explain/comparison_words.h"
#include "explain/digits.h"

namespace netio::explain {

using model::ComparedStage;
using model::Comparison;
using model::Report;
using model::Term;

namespace {

constexpr std::size_t most_others = 3;  // in a sum that can be read, beside what is zero-copy's own

ComparedStage compare_stage(const std::vector<Round>& rounds, const std::string& id, const std::string& name,
                            const FigureOf& figure_of) {
    ComparedStage stage{id, name, {}, spread(paired(rounds, figure_of, difference))};
    for (std::size_t mode = 0; mode < rounds.front().size(); ++mode) {
        stage.per_byte.push_back(spread(of_mode(rounds, mode, figure_of)));
    }
    return stage;
}

std::string causes_of(const Report& report) {
    std::vector<std::string> causes;
    for (const model::Finding& finding : report.findings) {
        if (finding.bytes.measured()) {
            causes.push_back(fmt::format("{} {}", finding.cause, format_percent(finding.share)));
        }
    }
    return join(causes, ", ");
}

// What zero-copy is about: these are always named.
bool is_of_zerocopy(const std::string& id) {
    return is_copying(id) || is_one_of(id, {"page-pinning", "completion-notification"});
}

bool is_dearer(const ComparedStage* a, const ComparedStage* b) {
    return std::abs(a->difference.value().median) > std::abs(b->difference.value().median);
}

// What was paid, the dearest first, then what was saved.
std::vector<Term> clear_terms(const Comparison& comparison) {
    std::vector<const ComparedStage*> named;
    std::vector<const ComparedStage*> others;
    for (const ComparedStage& stage : comparison.stages) {
        if (is_clear(stage.difference, 0) && printed(stage.difference.value().median) != 0) {
            (is_of_zerocopy(stage.id) ? named : others).push_back(&stage);
        }
    }
    std::stable_sort(others.begin(), others.end(), is_dearer);
    others.resize(std::min(others.size(), most_others));
    named.insert(named.end(), others.begin(), others.end());
    std::stable_sort(named.begin(), named.end(), is_dearer);
    std::stable_partition(named.begin(), named.end(),
                          [](const ComparedStage* stage) { return stage->difference.value().median > 0; });
    std::vector<Term> terms;
    for (const ComparedStage* stage : named) {
        terms.push_back({stage->name, printed(stage->difference.value().median)});
    }
    return terms;
}

std::vector<Term> sum_of(const Comparison& comparison) {
    if (!comparison.total.difference.measured()) {
        return {};
    }
    std::vector<Term> terms = clear_terms(comparison);
    const double whole = printed(comparison.total.difference.value().median);
    double rest = whole;
    for (const Term& term : terms) {
        rest -= term.per_byte;
    }
    terms.push_back({"rest", printed(rest)});
    terms.push_back({"difference", whole});
    return terms;
}

void add_modes(const std::vector<Round>& rounds, Comparison& comparison) {
    const FigureOf speed = [](const Report& report) { return report.throughput_bits_per_second; };
    const Round& first = rounds.front();
    for (std::size_t mode = 0; mode < first.size(); ++mode) {
        comparison.modes.push_back({first[mode].spec.mode, spread(of_mode(rounds, mode, speed)),
                                    first[mode].ledger.copies_per_byte, causes_of(first[mode])});
    }
    comparison.speed_ratio = spread(paired(rounds, speed, ratio));
}

void add_costs(const std::vector<Round>& rounds, Comparison& comparison) {
    if (const auto& profile = rounds.front().front().profile) {
        comparison.unit = profile->unit;
        comparison.event = profile->event;
        for (const model::StageCost& stage : profile->stages) {
            comparison.stages.push_back(compare_stage(rounds, stage.id, stage.name, cost_of(stage.id)));
        }
    }
    comparison.total = compare_stage(rounds, "sum", "sum", whole_cost);
    comparison.copying = compare_stage(rounds, "copying", "copying", cost_where(is_copying));
    comparison.overhead = compare_stage(rounds, "overhead", "all else",
                                        cost_where([](const std::string& id) { return !is_copying(id); }));
    comparison.cost_ratio = spread(paired(rounds, whole_cost, ratio));
    comparison.counted_ratio = spread(paired(rounds, counted_cost, ratio));
    comparison.sum = sum_of(comparison);
}

}  // namespace

Comparison compare(const std::vector<Round>& rounds) {
    Comparison comparison;
    comparison.spec = rounds.front().front().spec;
    comparison.rounds = rounds.size();
    for (const Round& round : rounds) {
        comparison.incomplete += static_cast<std::size_t>(
            std::ranges::count_if(round, [](const Report& report) { return !report.complete; }));
    }
    add_modes(rounds, comparison);
    add_costs(rounds, comparison);
    comparison.verdict = verdict_of(comparison);
    return comparison;
}

model::SizeComparison compare_sizes(const std::vector<std::vector<Round>>& sizes) {
    model::SizeComparison all;
    for (const std::vector<Round>& rounds : sizes) {
        all.sizes.push_back(compare(rounds));
    }
    add_break_even(sizes, all);
    all.verdict = verdict_of(all);
    all.other_view = hear_other_view(all.sizes);
    return all;
}

}  // namespace netio::explain
