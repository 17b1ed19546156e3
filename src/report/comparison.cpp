// SPDX-License-Identifier: MIT
#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

#include "base/text.h"
#include "report/comparison_parts.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/page.h"

namespace netio::report {

namespace {

using model::ComparedMode;
using model::ComparedStage;
using model::Comparison;
using model::SizeComparison;
using model::Spreads;

constexpr std::size_t name_width = 23;
constexpr std::size_t before_modes = 2 + name_width;
constexpr std::size_t difference_width = 12;  // with the gap before it, as all of these
constexpr std::size_t interval_width = 18;    // "-0.012 to -0.003"

// What of the table fits a page.
struct Layout {
    bool mode_intervals = false;
    bool interval = false;  // of the difference
    bool all_modes = true;  // else the first and the last
};

std::size_t width_of(const ComparedMode& mode) {
    return 2 + to_string(mode.mode).size();
}

Layout layout_for(std::size_t columns, const std::vector<ComparedMode>& modes) {
    const std::size_t outer = before_modes + width_of(modes.front()) + width_of(modes.back()) + difference_width;
    std::size_t whole = before_modes + difference_width;
    for (const ComparedMode& mode : modes) {
        whole += width_of(mode);
    }
    Layout layout;
    layout.all_modes = whole <= columns;
    layout.interval = (layout.all_modes ? whole : outer) + interval_width <= columns;
    layout.mode_intervals = whole + (modes.size() + 1) * interval_width <= columns;
    return layout;
}

bool is_shown(const Layout& layout, std::size_t mode, std::size_t modes) {
    return layout.all_modes || mode == 0 || mode + 1 == modes;
}

std::vector<Cell> headings(const Comparison& comparison, const Layout& layout) {
    std::vector<Cell> cells{{}};
    for (std::size_t mode = 0; mode < comparison.modes.size(); ++mode) {
        if (is_shown(layout, mode, comparison.modes.size())) {
            cells.push_back({std::string(to_string(comparison.modes[mode].mode))});
        }
        if (layout.mode_intervals) {
            cells.push_back({"95 % interval", Ink::faint});
        }
    }
    cells.push_back({"difference"});
    if (layout.interval) {
        cells.push_back({"95 % interval", Ink::faint});
    }
    return cells;
}

std::vector<Cell> row_of(const ComparedStage& stage, const Layout& layout, Ink ink) {
    std::vector<Cell> cells{{stage.name, ink}};
    for (std::size_t mode = 0; mode < stage.per_byte.size(); ++mode) {
        if (is_shown(layout, mode, stage.per_byte.size())) {
            cells.push_back({show_median(stage.per_byte[mode], 3), ink});
        }
        if (layout.mode_intervals) {
            cells.push_back({show_interval(stage.per_byte[mode], 3), Ink::faint});
        }
    }
    cells.push_back({show_difference(stage.difference), ink});
    if (layout.interval) {
        cells.push_back({show_interval(stage.difference, 3), Ink::faint});
    }
    return cells;
}

Grid cost_grid(const Comparison& comparison, std::size_t columns) {
    const Layout layout = layout_for(columns, comparison.modes);
    Grid grid{"Where the " + comparison.unit + "/B went", 2, {}, {headings(comparison, layout)}};
    grid.columns.push_back({Align::left, name_width});
    grid.columns.resize(grid.rows.front().size(), {Align::right, 18});
    for (const ComparedStage& stage : comparison.stages) {
        if (!is_empty(stage)) {
            grid.rows.push_back(row_of(stage, layout, Ink::plain));
        }
    }
    grid.rows.push_back(row_of(comparison.total, layout, Ink::bold));
    grid.rows.push_back(row_of(comparison.copying, layout, Ink::plain));
    grid.rows.push_back(row_of(comparison.overhead, layout, Ink::plain));
    grid.rows[grid.rows.size() - 2].front().text = "of it copying";
    grid.rows.back().front().text = "of it all else";
    return grid;
}

std::string rate(const Spreads& spreads) {
    return spreads.measured() ? unbreakable(format_bit_rate(spreads.value().median)) : std::string{not_available};
}

std::string rate_interval(const Spreads& spreads) {
    return spreads.measured() ? unbreakable(fmt::format("{} to {}", format_bit_rate(spreads.value().low),
                                                        format_bit_rate(spreads.value().high)))
                              : std::string{};
}

Grid speed_grid(const Comparison& comparison) {
    Grid grid{"How fast",
              2,
              {{Align::left, name_width}, {Align::right, 11}, {Align::right, 24}, {Align::right, 8}, {Align::left}},
              {}};
    grid.rows.push_back({{}, {"throughput"}, {"95 % interval", Ink::faint}, {"copies/B"}, {"copied late because of"}});
    for (const ComparedMode& mode : comparison.modes) {
        const bool known = mode.copies_per_byte.measured();
        grid.rows.push_back({{std::string(to_string(mode.mode))},
                             {rate(mode.bits_per_second)},
                             {rate_interval(mode.bits_per_second), Ink::faint},
                             {show_ratio(mode.copies_per_byte)},
                             {!mode.causes.empty() ? mode.causes
                              : known              ? "-"
                                                   : "",
                              Ink::faint}});
    }
    return grid;
}

std::string title(const SizeComparison& all) {
    const Comparison& first = all.sizes.front();
    std::vector<std::string> modes;
    for (const ComparedMode& mode : first.modes) {
        modes.emplace_back(to_string(mode.mode));
    }
    std::reverse(modes.begin(), modes.end());
    const model::Spec& spec = first.spec;
    const std::string length = spec.messages != 0 ? count_of(spec.messages, "message", "messages")
                                                  : format_duration(std::chrono::nanoseconds{spec.duration_ns});
    std::vector<std::string> parts{join(modes, " against ")};
    if (all.sizes.size() == 1) {
        parts.push_back(format_count(spec.size_bytes) + " B");
    } else {
        parts.push_back(
            fmt::format("{} to {} B", format_count(spec.size_bytes), format_count(all.sizes.back().spec.size_bytes)));
    }
    parts.push_back(count_of(spec.threads, "connection", "connections"));
    parts.emplace_back(to_string(spec.path));
    if (spec.provoke != "none") {
        parts.push_back("provoked: " + spec.provoke);
    }
    parts.push_back(fmt::format("{} rounds, {} a run", first.rounds, length));
    return "netio-trace" + unbreakable("  ") + items(parts);
}

// What the figures are, and which are missing.
std::vector<std::string> notes(const SizeComparison& all) {
    const Comparison& first = all.sizes.front();
    std::vector<std::string> lines;
    if (!first.cost_ratio.measured()) {
        lines.push_back("costs n/a: " + first.cost_ratio.reason());
    } else {
        lines.push_back(fmt::format(
            "{}/B by samples of {}, in server, client and network code elsewhere; modes took turns, and a difference "
            "is "
            "that of {} against {} within a round: its median, and the interval that holds the true one with 95 %",
            first.unit, first.event, to_string(first.modes.back().mode), to_string(first.modes.front().mode)));
    }
    const auto& stages = first.stages;
    const auto own = std::ranges::find(stages, std::string_view{"tracing"}, &ComparedStage::id);
    if (own != stages.end() && !is_empty(*own)) {
        lines.push_back(own->name +
                        " is mostly the cost of these probes themselves; --tier none compares without them");
    }
    if (!all.other_view.empty()) {
        lines.push_back(all.other_view);
    }
    std::size_t incomplete = 0;
    for (const Comparison& comparison : all.sizes) {
        incomplete += comparison.incomplete;
    }
    if (incomplete != 0) {
        lines.push_back(count_of(incomplete, "run was", "runs were") +
                        " incomplete: books did not balance, which leaves times as they are");
    }
    for (const ComparedMode& mode : first.modes) {
        if (!mode.copies_per_byte.measured()) {
            lines.push_back("copies/B n/a: " + mode.copies_per_byte.reason());
            break;
        }
    }
    return lines;
}

Grid break_even_grid(const SizeComparison& all) {
    Grid grid{"Break-even", 2, {{Align::left, name_width}, {Align::left}}, {}};
    if (!all.why_none.empty()) {
        grid.rows.push_back({{"n/a"}, {all.why_none}});
    }
    for (const model::Statement& statement : all.statements) {
        grid.rows.push_back({{statement.about}, {statement.text}});
    }
    return grid;
}

}  // namespace

std::string show_interval(const Spreads& spreads, int digits) {
    return spreads.measured() ? unbreakable(fmt::format("{:.{}f} to {:.{}f}", spreads.value().low, digits,
                                                        spreads.value().high, digits))
                              : std::string{};
}

std::string show_median(const Spreads& spreads, int digits) {
    return spreads.measured() ? fmt::format("{:.{}f}", spreads.value().median, digits) : std::string{not_available};
}

std::string show_difference(const Spreads& spreads) {
    if (!spreads.measured()) {
        return std::string{not_available};
    }
    const std::string text = fmt::format("{:+.3f}", spreads.value().median);
    return text == "-0.000" ? "+0.000" : text;
}

bool is_empty(const ComparedStage& stage) {
    constexpr double nothing = 0.0005;
    return std::ranges::all_of(stage.per_byte, [&](const Spreads& spread) {
        return spread.measured() && std::abs(spread.value().high) < nothing;
    });
}

void put_one_size(Page& page, const Comparison& comparison) {
    if (!comparison.stages.empty()) {
        page.grid(cost_grid(comparison, page.columns()));
        page.blank();
    }
    page.grid(speed_grid(comparison));
}

std::string render_comparison(const SizeComparison& comparison, const TerminalStyle& style) {
    Page page{style};
    page.text({title(comparison), Ink::plain, "netio-trace"}, 13);
    if (!comparison.interrupted.empty()) {
        page.text({comparison.interrupted, Ink::warning});
    }
    page.blank();
    page.text({comparison.verdict, Ink::bold});
    page.blank();
    if (comparison.sizes.size() == 1) {
        put_one_size(page, comparison.sizes.front());
    } else {
        put_sizes(page, comparison.sizes);
    }
    page.blank();
    page.grid(break_even_grid(comparison));
    page.blank();
    for (const std::string& note : notes(comparison)) {
        page.text({unbreakable("  ") + note}, 4);
    }
    return page.result();
}

}  // namespace netio::report
