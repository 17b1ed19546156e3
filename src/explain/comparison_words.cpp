// SPDX-License-Identifier: MIT
#include "explain/comparison_words.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/text.h"
#include "explain/rounds.h"

namespace netio::explain {

using model::Comparison;
using model::Spreads;
using model::Term;

namespace {

std::string_view last_mode(const Comparison& comparison) {
    return to_string(comparison.modes.back().mode);
}

std::string_view first_mode(const Comparison& comparison) {
    return to_string(comparison.modes.front().mode);
}

bool counts_cycles(const Comparison& comparison) {
    return comparison.unit == "cycles";
}

const char* what_is_paid(const Comparison& comparison) {
    return counts_cycles(comparison) ? "cycles" : "processor time";
}

std::string cost_sentence(const Comparison& comparison) {
    const bool clear = is_clear(comparison.cost_ratio, 1);
    return fmt::format("{}{} {} {} as {} {} per byte as {}",
                       clear ? "" : "No difference in cost is shown: ", last_mode(comparison), clear ? "cost" : "took",
                       spell_ratio(comparison.cost_ratio), counts_cycles(comparison) ? "many" : "much",
                       what_is_paid(comparison), first_mode(comparison));
}

// The difference of a class where it is more than chance, else 0.
double clear_difference(const Comparison& comparison, std::string_view id) {
    for (const model::ComparedStage& stage : comparison.stages) {
        if (stage.id == id && is_clear(stage.difference, 0)) {
            return stage.difference.value().median;
        }
    }
    return 0;
}

// What became of the copy that was to be saved, or of all copying.
std::string copying_clause(const Comparison& comparison) {
    const double into = clear_difference(comparison, "copy-in");
    const double inside = clear_difference(comparison, "copy-late");
    if (into < 0 && inside > 0) {
        return fmt::format("It saved {:.3f} {}/B of copying into the kernel, but paid {:.3f} for copying inside it",
                           -into, comparison.unit, inside);
    }
    const Spreads& copying = comparison.copying.difference;
    if (!is_clear(copying, 0)) {
        return "It saved no copying that shows";
    }
    const double copied = copying.value().median;
    return fmt::format("It {} {:.3f} {}/B of copying", copied < 0 ? "saved" : "added", std::abs(copied),
                       comparison.unit);
}

std::string balance_sentence(const Comparison& comparison) {
    const Spreads& overhead = comparison.overhead.difference;
    if (!is_clear(overhead, 0)) {
        return copying_clause(comparison) + ", and all else cost as much as far as is shown.";
    }
    return fmt::format("{}, and {} {:.3f} for all else.", copying_clause(comparison),
                       overhead.value().median > 0 ? "paid" : "saved", std::abs(overhead.value().median));
}

std::string speed_sentence(const Comparison& comparison) {
    const Spreads& ratio = comparison.speed_ratio;
    if (!ratio.measured()) {
        return fmt::format("How fast {} is against {} cannot be said: {}.", last_mode(comparison),
                           first_mode(comparison), ratio.reason());
    }
    return fmt::format("{}{} sent {} as fast as {}.",
                       is_clear(ratio, 1) ? "" : "No difference in throughput is shown: ", last_mode(comparison),
                       spell_ratio(ratio), first_mode(comparison));
}

std::string unknown_cost(const Comparison& comparison) {
    return fmt::format("What a byte cost cannot be said: {}.", comparison.cost_ratio.reason());
}

// "1.90 times at 4 096 B"
std::string at_size(const Comparison& comparison) {
    return fmt::format("{} at {} B{}", spell_ratio(comparison.cost_ratio), format_count(comparison.spec.size_bytes),
                       is_clear(comparison.cost_ratio, 1) ? "" : " (no difference shown)");
}

std::string costs_by_size(const model::SizeComparison& all) {
    std::vector<std::string> ratios;
    for (const Comparison& comparison : all.sizes) {
        if (!comparison.cost_ratio.measured()) {
            return unknown_cost(comparison);
        }
        ratios.push_back(at_size(comparison));
    }
    const Comparison& largest = all.sizes.back();
    return fmt::format("What {} cost in {} per byte against {}: {} ({}). At {} B: {}.", last_mode(largest),
                       what_is_paid(largest), first_mode(largest), join(ratios, ", "), name_view(largest),
                       format_count(largest.spec.size_bytes), spell_sum(largest));
}

}  // namespace

std::string spell_ratio(const Spreads& ratio) {
    const model::Spread spread = ratio.value();
    return fmt::format("{:.2f} times ({:.2f} to {:.2f})", spread.median, spread.low, spread.high);
}

std::string spell_sum(const Comparison& comparison) {
    std::string text;
    for (const Term& term : comparison.sum) {
        if (&term == &comparison.sum.back()) {
            return text + fmt::format(" = {:.3f} {}/B", term.per_byte, comparison.unit);
        }
        const bool less = term.per_byte < 0;
        const char* sign = text.empty() ? (less ? "-" : "") : (less ? " - " : " + ");
        text += fmt::format("{}{:.3f} {}", sign, std::abs(term.per_byte), term.name);
    }
    return text;
}

std::string name_view(const Comparison& comparison) {
    return counts_cycles(comparison) ? "sampled profile: hardware cycles"
                                     : fmt::format("sampled profile: time by {}", comparison.event);
}

std::string hear_other_view(const std::vector<Comparison>& sizes) {
    std::vector<std::string> ratios;
    std::vector<std::string> apart;
    for (const Comparison& comparison : sizes) {
        if (!comparison.counted_ratio.measured() || !comparison.cost_ratio.measured()) {
            return {};
        }
        const model::Spread counted = comparison.counted_ratio.value();
        const model::Spread sampled = comparison.cost_ratio.value();
        const std::string where =
            sizes.size() == 1 ? "" : fmt::format(" at {} B", format_count(comparison.spec.size_bytes));
        ratios.push_back(spell_ratio(comparison.counted_ratio) + where);
        if (counted.high < sampled.low || sampled.high < counted.low) {
            apart.push_back(where);
        }
    }
    return fmt::format(
        "the other view, {} counted for server and client alone: {}; {}",
        counts_cycles(sizes.front()) ? "cycles" : "task-clock", join(ratios, ", "),
        apart.empty() ? std::string("it agrees")
                      : fmt::format("they differ{}, for only samples see network code elsewhere", join(apart, ",")));
}

std::string verdict_of(const Comparison& comparison) {
    if (!comparison.cost_ratio.measured()) {
        return unknown_cost(comparison) + " " + speed_sentence(comparison);
    }
    return fmt::format("{}: {} ({}). {} {}", cost_sentence(comparison), spell_sum(comparison), name_view(comparison),
                       balance_sentence(comparison), speed_sentence(comparison));
}

std::string verdict_of(const model::SizeComparison& all) {
    if (all.sizes.size() == 1) {
        return all.sizes.front().verdict;
    }
    const bool known = all.why_none.empty() && !all.statements.empty();
    return costs_by_size(all) + (known ? " Break-even: " + all.statements.front().text + "." : "");
}

}  // namespace netio::explain
