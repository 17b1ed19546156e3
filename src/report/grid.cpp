// SPDX-License-Identifier: MIT
#include "report/grid.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "report/fold.h"

namespace netio::report {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t least_last_column = 20;

// Where the columns stand on a page of a given width.
struct Plan {
    std::vector<std::size_t> start, width;
    bool last_beneath = false;
};

std::size_t natural_width(const Grid& grid, std::size_t column) {
    std::size_t width = 1;
    for (const auto& row : grid.rows) {
        if (column < row.size()) {
            width = std::max(width, display_width(row[column].text));
        }
    }
    return width;
}

Plan plan_of(const Grid& grid, std::size_t columns) {
    Plan plan;
    std::size_t at = grid.indent;
    for (std::size_t column = 0; column < grid.columns.size(); ++column) {
        const GridColumn& wish = grid.columns[column];
        const std::size_t width = std::max(wish.least, std::min(natural_width(grid, column), wish.limit));
        plan.start.push_back(at);
        plan.width.push_back(width);
        at += width + gap;
    }
    const std::size_t last = grid.columns.size() - 1;
    if (grid.columns[last].align == Align::right) {
        return plan;
    }
    const std::size_t wanted = natural_width(grid, last);
    const std::size_t room = columns > plan.start[last] ? columns - plan.start[last] : 0;
    plan.last_beneath = room < std::min(wanted, least_last_column);
    if (plan.last_beneath) {
        plan.start[last] = grid.indent + gap;
    }
    plan.width[last] = std::min(wanted, columns - plan.start[last]);
    return plan;
}

std::vector<Line> lines_of(const Grid& grid, const Plan& plan, const std::vector<Cell>& row) {
    std::vector<Line> lines(1);
    for (std::size_t column = 0; column < row.size(); ++column) {
        const bool beneath = plan.last_beneath && column + 1 == grid.columns.size();
        const std::size_t width = plan.width[column];
        std::size_t at = beneath ? lines.size() : 0;
        for (auto& text : fold(row[column].text, width, width)) {
            const std::size_t slack = grid.columns[column].align == Align::right ? width - display_width(text) : 0;
            lines.resize(std::max(lines.size(), at + 1));
            lines[at++].push_back({plan.start[column] + slack, std::move(text), row[column].ink});
        }
    }
    return lines;
}

void put_title(const std::string& title, std::vector<Line>& lines) {
    if (title.empty()) {
        return;
    }
    const bool room = !lines.empty() && (lines[0].empty() || lines[0][0].start >= display_width(title) + gap);
    if (!room) {
        lines.emplace(lines.begin());
    }
    lines[0].insert(lines[0].begin(), Piece{0, title, Ink::bold});
}

}  // namespace

std::vector<Line> lay_out(const Grid& grid, std::size_t columns) {
    const Plan plan = plan_of(grid, columns);
    std::vector<Line> lines;
    for (auto row : grid.rows) {
        const bool heading = lines.empty();
        if (heading && plan.last_beneath && row.size() == grid.columns.size()) {
            row.pop_back();
        }
        std::ranges::move(lines_of(grid, plan, row), std::back_inserter(lines));
    }
    put_title(grid.title, lines);
    return lines;
}

}  // namespace netio::report
