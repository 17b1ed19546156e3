// SPDX-License-Identifier: MIT
#include "explain/break_even.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "base/text.h"
#include "base/words.h"
#include "stats/line.h"

namespace netio::explain {

using model::BreakEven;
using model::Comparison;
using model::Figure;
using model::Prediction;
using model::SizeComparison;
using model::Spreads;
using stats::CostLine;
using Sizes = std::vector<std::vector<Round>>;

namespace {

constexpr double at_no_size = std::numeric_limits<double>::infinity();

bool is_paid_by_send(const std::string& id) {
    return is_one_of(id, {"program", "system-call", "completion-notification"});
}

// The figures of one round, of the last mode against the first but for `copy_in`.
struct RoundCosts {
    CostLine overhead;  // all but copying
    CostLine copying;
    CostLine copy_in;  // of the first mode
    double crossing = at_no_size;
};

CostLine sum(const CostLine& a, const CostLine& b) {
    return {a.fixed + b.fixed, a.per_byte + b.per_byte};
}

// Had the copy been saved that the first mode makes, and none been made later instead.
CostLine without_copy(const RoundCosts& costs) {
    return {costs.overhead.fixed - costs.copy_in.fixed, costs.overhead.per_byte - costs.copy_in.per_byte};
}

// Where differences at ascending sizes go below 0 for good; between two sizes on the line through them, which is one of
// what is paid by the send and by the byte.
double crossing_of(const std::vector<double>& sizes, const std::vector<double>& differences) {
    std::size_t above = differences.size();
    while (above > 0 && differences[above - 1] < 0) {
        --above;
    }
    if (above == differences.size() || above == 0) {
        return above == 0 ? 0 : at_no_size;
    }
    const std::array<stats::CostPoint, 2> both{
        {{sizes[above - 1], differences[above - 1]}, {sizes[above], differences[above]}}};
    return stats::size_below_zero(stats::fit_cost_line(both));
}

// A figure of each size in one round.
using AtSizes = std::vector<double>;
AtSizes at_sizes(const Sizes& sizes, std::size_t round, const std::function<double(const Round&)>& figure_of) {
    AtSizes figures;
    for (const auto& rounds : sizes) {
        figures.push_back(figure_of(rounds[round]));
    }
    return figures;
}

double paired_cost(const Round& round, const FigureOf& cost) {
    return difference(cost(round.back()), cost(round.front())).value();
}

const FigureOf& copying_cost() {
    static const FigureOf cost = cost_where(is_copying);
    return cost;
}

const FigureOf& overhead_cost() {
    static const FigureOf cost = cost_where([](const std::string& id) { return !is_copying(id); });
    return cost;
}

const FigureOf& send_cost() {
    static const FigureOf cost = cost_where(is_paid_by_send);
    return cost;
}

CostLine fit(const AtSizes& bytes, const AtSizes& costs) {
    std::vector<stats::CostPoint> points;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        points.push_back({bytes[i], costs[i]});
    }
    return stats::fit_cost_line(points);
}

RoundCosts fit_round(const Sizes& sizes, const AtSizes& bytes, std::size_t round) {
    RoundCosts costs;
    const auto fit_to = [&](const std::function<double(const Round&)>& figure_of) {
        return fit(bytes, at_sizes(sizes, round, figure_of));
    };
    costs.overhead = fit_to([](const Round& runs) { return paired_cost(runs, overhead_cost()); });
    costs.copying = fit_to([](const Round& runs) { return paired_cost(runs, copying_cost()); });
    costs.copy_in = fit_to([](const Round& runs) { return cost_of("copy-in")(runs.front()).value(); });
    costs.crossing =
        crossing_of(bytes, at_sizes(sizes, round, [](const Round& runs) { return paired_cost(runs, whole_cost); }));
    return costs;
}

RoundCosts estimate_round(const Round& runs) {
    const double size_bytes = static_cast<double>(runs.front().spec.size_bytes);
    const double by_send = paired_cost(runs, send_cost());
    RoundCosts costs;
    costs.overhead = {by_send * size_bytes, paired_cost(runs, overhead_cost()) - by_send};
    costs.copying = {0, paired_cost(runs, copying_cost())};
    costs.copy_in = {0, cost_of("copy-in")(runs.front()).value()};
    return costs;
}

std::vector<RoundCosts> costs_of_rounds(const Sizes& sizes) {
    std::vector<RoundCosts> all;
    AtSizes bytes;
    for (const auto& rounds : sizes) {
        bytes.push_back(static_cast<double>(rounds.front().front().spec.size_bytes));
    }
    for (std::size_t round = 0; round < sizes.front().size(); ++round) {
        all.push_back(sizes.size() == 1 ? estimate_round(sizes.front()[round]) : fit_round(sizes, bytes, round));
    }
    return all;
}

Spreads spread_over(const std::vector<RoundCosts>& rounds, const std::function<double(const RoundCosts&)>& figure_of) {
    std::vector<Figure<double>> figures;
    for (const RoundCosts& costs : rounds) {
        figures.emplace_back(figure_of(costs));
    }
    return spread(figures);
}

BreakEven break_even_of(const Spreads& sizes) {
    const auto figure = [](double size) {
        return std::isfinite(size) ? Figure<double>(size) : Figure<double>::missing("at no size");
    };
    return {figure(sizes.value().median), figure(sizes.value().low), figure(sizes.value().high)};
}

// Why there is nothing to work with; empty: there is.
std::string why_none(const SizeComparison& all) {
    for (const Comparison& comparison : all.sizes) {
        if (!comparison.cost_ratio.measured()) {
            return comparison.cost_ratio.reason();
        }
    }
    return {};
}

// In words.

std::string spell_size(double bytes) {
    return format_bytes(static_cast<std::uint64_t>(std::llround(bytes)));
}

// An end of an interval of sizes.
std::string spell_end(const Figure<double>& size) {
    return !size.measured() ? "none" : size.value() == 0 ? "any size" : spell_size(size.value());
}

// "about 21.3 kB (18.0 kB to 30.1 kB)" of a size that is one.
std::string spell_place(const BreakEven& place) {
    return fmt::format("about {} ({} to {})", spell_size(place.bytes.value()), spell_end(place.low),
                       spell_end(place.high));
}

bool is_none(const BreakEven& place) {
    return !place.bytes.measured();
}

bool is_everywhere(const BreakEven& place) {
    return place.bytes.measured() && place.bytes.value() == 0;
}

std::string spell_count_of_bytes(const Comparison& comparison) {
    return format_count(comparison.spec.size_bytes) + " B";
}

// What is not so in every round, as the interval shows.
std::string spell_doubt(const BreakEven& place) {
    if (is_none(place) && place.low.measured() && place.low.value() == 0) {
        return " in most rounds, and any size in others";
    }
    if (is_everywhere(place) && !place.high.measured()) {
        return " in most rounds, and none in others";
    }
    if (is_none(place) && place.low.measured()) {
        return fmt::format(" in most rounds (the interval begins at {})", spell_end(place.low));
    }
    if (is_everywhere(place) && place.high.value_or(1) > 0) {
        return fmt::format(" in most rounds (the interval ends at {})", spell_end(place.high));
    }
    return {};
}

std::string measured_sentence(const SizeComparison& all) {
    const std::string mode{to_string(all.sizes.back().modes.back().mode)};
    const std::string least = spell_count_of_bytes(all.sizes.front());
    const std::string most = spell_count_of_bytes(all.sizes.back());
    if (is_none(all.measured)) {
        return fmt::format("none from {} to {}: {} cost no less at the largest{}", least, most, mode,
                           spell_doubt(all.measured));
    }
    if (is_everywhere(all.measured)) {
        return fmt::format("below {}: {} cost less at every size{}", least, mode, spell_doubt(all.measured));
    }
    return fmt::format("{}: {} cost less beyond it", spell_place(all.measured), mode);
}

// "5 100 ns more a send, 0.210 ns less a byte"
std::string spell_line(double fixed, double per_byte, const std::string& unit) {
    return fmt::format("{} {} {} a send, {:.3f} {} {} a byte",
                       format_count(static_cast<std::uint64_t>(std::llround(std::abs(fixed)))), unit,
                       fixed < 0 ? "less" : "more", std::abs(per_byte), unit, per_byte < 0 ? "less" : "more");
}

std::string place_sentence(const BreakEven& place, const std::string& costs) {
    const std::string where = is_none(place)         ? "none" + spell_doubt(place)
                              : is_everywhere(place) ? "every size pays" + spell_doubt(place)
                                                     : spell_place(place);
    return where + ", with " + costs;
}

// Whether the intervals have a size in common. Of the measured one, none and all mean beyond the sizes that were sent.
bool agree(const SizeComparison& all) {
    const auto or_infinite = [](const Figure<double>& size) { return size.value_or(at_no_size); };
    const double least = static_cast<double>(all.sizes.front().spec.size_bytes);
    const double most = static_cast<double>(all.sizes.back().spec.size_bytes);
    const double low = std::min(or_infinite(all.measured.low), most);
    const double high = std::max(or_infinite(all.measured.high), least);
    constexpr double rounding = 1.001;
    return or_infinite(all.prediction.as_copied.low) <= high * rounding &&
           or_infinite(all.prediction.as_copied.high) * rounding >= low;
}

std::string prediction_sentence(const SizeComparison& all) {
    const Prediction& prediction = all.prediction;
    const std::string& unit = all.sizes.front().unit;
    const double per_byte = prediction.per_byte.value().median + prediction.copied_per_byte.value().median;
    const std::string sentence =
        place_sentence(prediction.as_copied, spell_line(prediction.fixed_per_send.value().median, per_byte, unit));
    if (!prediction.fitted) {
        return sentence +
               "; one size is too few to tell the two apart, so this takes the program, system call entry "
               "and completion notification as paid by the send, all else by the byte";
    }
    return sentence + (agree(all) ? "; that agrees with what was measured" : "; that is not what was measured");
}

std::string saved_sentence(const SizeComparison& all) {
    const Prediction& prediction = all.prediction;
    const std::string& unit = all.sizes.front().unit;
    return place_sentence(prediction.if_saved, fmt::format("{}, against {:.3f} {} a byte for the copy into the kernel",
                                                           spell_line(prediction.overhead_per_send.value().median,
                                                                      prediction.per_byte.value().median, unit),
                                                           prediction.copy_per_byte.value().median, unit));
}

// Whether bytes of the last mode were copied late, as far as the profile shows.
bool copied_late(const SizeComparison& all) {
    const auto& stages = all.sizes.back().stages;
    const auto late = std::ranges::find(stages, std::string_view{"copy-late"}, &model::ComparedStage::id);
    return late != stages.end() && is_clear(late->difference, 0) && late->difference.value().median > 0;
}

}  // namespace

void add_break_even(const Sizes& sizes, SizeComparison& all) {
    all.why_none = why_none(all);
    if (!all.why_none.empty()) {
        return;
    }
    const std::vector<RoundCosts> rounds = costs_of_rounds(sizes);
    const auto over = [&](const std::function<double(const RoundCosts&)>& figure_of) {
        return spread_over(rounds, figure_of);
    };
    Prediction& prediction = all.prediction;
    prediction.fitted = sizes.size() > 1;
    prediction.fixed_per_send =
        over([](const RoundCosts& costs) { return costs.overhead.fixed + costs.copying.fixed; });
    prediction.overhead_per_send = over([](const RoundCosts& costs) { return costs.overhead.fixed; });
    prediction.per_byte = over([](const RoundCosts& costs) { return costs.overhead.per_byte; });
    prediction.copied_per_byte = over([](const RoundCosts& costs) { return costs.copying.per_byte; });
    prediction.copy_per_byte = over([](const RoundCosts& costs) { return costs.copy_in.per_byte; });
    prediction.as_copied = break_even_of(
        over([](const RoundCosts& costs) { return stats::size_below_zero(sum(costs.overhead, costs.copying)); }));
    prediction.if_saved =
        break_even_of(over([](const RoundCosts& costs) { return stats::size_below_zero(without_copy(costs)); }));
    if (prediction.fitted) {
        all.measured = break_even_of(over([](const RoundCosts& costs) { return costs.crossing; }));
        all.statements.push_back({"measured", measured_sentence(all)});
    }
    all.statements.push_back({prediction.fitted ? "from the costs" : "estimate", prediction_sentence(all)});
    if (copied_late(all)) {
        all.statements.push_back({"without late copies", saved_sentence(all)});
    }
}

}  // namespace netio::explain
