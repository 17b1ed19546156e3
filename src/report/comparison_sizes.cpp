// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/comparison_parts.h"
#include "report/figures.h"
#include "report/fold.h"

// A comparison at several sizes: a row for each with the ratios, and what the last mode cost more by class and size.

namespace netio::report {

namespace {

using model::ComparedStage;
using model::Comparison;
using model::Spreads;

constexpr std::size_t name_width = 23;
constexpr std::size_t size_width = 16;  // "1 073 741 824 B"

std::string size_of(const Comparison& comparison) {
    return unbreakable(format_count(comparison.spec.size_bytes) + " B");
}

// Narrow pages have neither the copies nor the interval of the speed.
Grid ratio_grid(const std::vector<Comparison>& sizes, std::size_t columns) {
    constexpr std::size_t columns_for_all = 80;
    const Comparison& first = sizes.front();
    Grid grid{fmt::format("{} : {}", to_string(first.modes.back().mode), to_string(first.modes.front().mode)),
              2,
              {{Align::right, size_width, 8},
               {Align::right, 8},
               {Align::right, 16},
               {Align::right, 10},
               {Align::right, 16},
               {Align::right, 16}},
              {}};
    grid.rows.push_back({{},
                         {first.unit.empty() ? "cost" : first.unit + "/B"},
                         {"95 % interval", Ink::faint},
                         {"speed"},
                         {"95 % interval", Ink::faint},
                         {"copies/B"}});
    for (const Comparison& comparison : sizes) {
        grid.rows.push_back({{size_of(comparison)},
                             {show_median(comparison.cost_ratio, 2), Ink::bold},
                             {show_interval(comparison.cost_ratio, 2), Ink::faint},
                             {show_median(comparison.speed_ratio, 2), Ink::bold},
                             {show_interval(comparison.speed_ratio, 2), Ink::faint},
                             {unbreakable(show_ratio(comparison.modes.back().copies_per_byte) + " : " +
                                          show_ratio(comparison.modes.front().copies_per_byte))}});
    }
    if (columns < columns_for_all) {
        constexpr std::size_t narrow = 4;
        grid.columns.resize(narrow);
        for (auto& row : grid.rows) {
            row.resize(narrow);
        }
    }
    return grid;
}

// In brackets where 0 lies in the interval.
std::string difference_of(const Spreads& spreads) {
    const bool chance = spreads.measured() && spreads.value().low <= 0 && spreads.value().high >= 0;
    return chance ? "(" + show_difference(spreads) + ")" : show_difference(spreads);
}

// Whether the difference is one of chance and would be printed as 0.
bool is_nothing(const Spreads& spreads) {
    constexpr double printed_as_0 = 0.0005;
    return spreads.measured() && std::abs(spreads.value().median) < printed_as_0 && spreads.value().low <= 0 &&
           spreads.value().high >= 0;
}

// The same class at each size; `stage_of` finds it in a comparison.
template <class StageOf>
std::vector<Cell> row_of(const std::vector<Comparison>& sizes, const std::string& name, Ink ink, StageOf stage_of) {
    std::vector<Cell> cells{{name, ink}};
    for (const Comparison& comparison : sizes) {
        cells.push_back({difference_of(stage_of(comparison).difference), ink});
    }
    return cells;
}

// Rows of the sizes that fit beside each other.
Grid difference_grid(const std::vector<Comparison>& sizes) {
    const Comparison& first = sizes.front();
    Grid grid{fmt::format("What {} cost more, {}/B", to_string(first.modes.back().mode), first.unit),
              2,
              {{Align::left, name_width}},
              {}};
    grid.rows.push_back({{}});
    for (const Comparison& comparison : sizes) {
        grid.columns.push_back({Align::right, size_width, 8});
        grid.rows.front().push_back({size_of(comparison)});
    }
    for (std::size_t stage = 0; stage < first.stages.size(); ++stage) {
        const auto at = [&](const Comparison& comparison) -> const ComparedStage& { return comparison.stages[stage]; };
        if (!std::ranges::all_of(sizes, [&](const Comparison& size) { return is_nothing(at(size).difference); })) {
            grid.rows.push_back(row_of(sizes, first.stages[stage].name, Ink::plain, at));
        }
    }
    const auto total = [](const Comparison& comparison) -> const ComparedStage& { return comparison.total; };
    const auto copying = [](const Comparison& comparison) -> const ComparedStage& { return comparison.copying; };
    const auto overhead = [](const Comparison& comparison) -> const ComparedStage& { return comparison.overhead; };
    grid.rows.push_back(row_of(sizes, "sum", Ink::bold, total));
    grid.rows.push_back(row_of(sizes, "of it copying", Ink::plain, copying));
    grid.rows.push_back(row_of(sizes, "of it all else", Ink::plain, overhead));
    return grid;
}

// Sizes that fit beside each other on the page.
std::size_t sizes_abreast(const std::vector<Comparison>& sizes, std::size_t columns) {
    std::size_t widest = 8;
    for (const Comparison& comparison : sizes) {
        widest = std::max(widest, display_width(size_of(comparison)));
    }
    constexpr std::size_t indent = 2;
    constexpr std::size_t gap = 2;
    const std::size_t room = columns - indent - name_width;
    return std::max<std::size_t>(1, room / (widest + gap));
}

}  // namespace

void put_sizes(Page& page, const std::vector<Comparison>& sizes) {
    page.grid(ratio_grid(sizes, page.columns()));
    const std::size_t stages = sizes.front().stages.size();
    if (stages == 0 ||
        std::ranges::any_of(sizes, [&](const Comparison& size) { return size.stages.size() != stages; })) {
        return;
    }
    const std::size_t abreast = sizes_abreast(sizes, page.columns());
    for (std::size_t at = 0; at < sizes.size(); at += abreast) {
        page.blank();
        const auto begin = sizes.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end = sizes.begin() + static_cast<std::ptrdiff_t>(std::min(sizes.size(), at + abreast));
        page.grid(difference_grid({begin, end}));
    }
    page.text({unbreakable("  ") + "in brackets: what chance alone may have made"}, 4);
}

}  // namespace netio::report
