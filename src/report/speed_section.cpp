// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "base/text.h"
#include "report/figures.h"
#include "report/sections.h"

namespace netio::report {

namespace {

using model::Latency;

constexpr std::size_t columns_for_maximum = 70;
constexpr std::size_t columns_for_samples = 100;

struct Quantity {
    std::string_view name;
    model::Figure<double> Latency::*figure;
    std::size_t from_columns;  // least width of the page that shows it
};
constexpr std::array<Quantity, 5> quantities{{{"p50", &Latency::p50_ns, 0},
                                              {"p90", &Latency::p90_ns, 0},
                                              {"p99", &Latency::p99_ns, 0},
                                              {"p99.9", &Latency::p999_ns, 0},
                                              {"max", &Latency::max_ns, columns_for_maximum}}};

bool any_measured(const Latency& latency) {
    return std::ranges::any_of(quantities,
                               [&](const Quantity& quantity) { return (latency.*quantity.figure).measured(); });
}

std::vector<Cell> header(const model::Report& report, std::size_t columns) {
    const auto& rate = report.throughput_bits_per_second;
    std::vector<Cell> cells{{rate.measured() ? format_bit_rate(rate.value()) : std::string{not_available}, Ink::bold}};
    if (std::ranges::none_of(report.latencies, any_measured)) {
        return cells;
    }
    for (const auto& quantity : quantities) {
        if (columns >= quantity.from_columns) {
            cells.push_back({std::string{quantity.name}});
        }
    }
    if (columns >= columns_for_samples) {
        cells.push_back({"samples"});
    }
    return cells;
}

std::vector<Cell> latency_row(const Latency& latency, std::size_t columns, Missing& missing) {
    std::vector<Cell> cells{{latency.name}};
    for (const auto& quantity : quantities) {
        if (columns < quantity.from_columns) {
            continue;
        }
        const auto& figure = latency.*quantity.figure;
        cells.push_back({show_duration(figure)});
        missing.add_unless_measured(latency.name + " " + std::string{quantity.name}, figure);
    }
    if (columns >= columns_for_samples) {
        cells.push_back({format_count(latency.samples)});
    }
    return cells;
}

}  // namespace

void put_speed(Page& page, const model::Report& report) {
    Missing missing;
    missing.add_unless_measured("throughput", report.throughput_bits_per_second);
    Grid grid{"Speed", Page::margin, {{Align::left, 12}}, {header(report, page.columns())}};
    grid.columns.resize(grid.rows[0].size(), {Align::right, 7});
    for (const auto& latency : report.latencies) {
        if (any_measured(latency)) {
            grid.rows.push_back(latency_row(latency, page.columns(), missing));
        } else {
            missing.add(latency.name, latency.p50_ns.reason());
        }
    }
    page.grid(grid);
    std::vector<Paragraph> notes;
    for (const auto& sentence : missing.sentences()) {
        notes.push_back({sentence});
    }
    page.section("", notes);
}

}  // namespace netio::report
