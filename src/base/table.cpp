// SPDX-License-Identifier: MIT
#include "base/table.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "base/text.h"

namespace netio {
namespace {

std::string padded(const std::string& text, std::size_t width, Align align) {
    const std::size_t used = display_width(text);
    const std::string space(width > used ? width - used : 0, ' ');
    return align == Align::left ? text + space : space + text;
}

// wrap() leaves a word that is too long alone on its line; in a column it has to be cut.
std::vector<std::string> wrap_hard(const std::string& text, std::size_t width) {
    std::vector<std::string> lines;
    for (const std::string& line : wrap(text, width)) {
        std::string_view rest = line;
        do {
            const std::string_view head = first_columns(rest, width);
            lines.emplace_back(head);
            rest.remove_prefix(head.size());
        } while (!rest.empty());
    }
    return lines;
}

std::string without_trailing_spaces(const std::string& line) {
    return line.substr(0, line.find_last_not_of(' ') + 1);
}

}  // namespace

void Table::add_row(std::vector<std::string> cells) {
    if (cells.size() > columns_.size()) {
        throw std::invalid_argument("a table row has more cells than the table has columns");
    }
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::vector<std::string> Table::lines(const TableLayout& layout) const {
    std::vector<std::size_t> widths = natural_widths(layout.titles);
    narrow(widths, layout);
    std::vector<std::string> lines;
    if (layout.titles) {
        Row titles;
        std::ranges::transform(columns_, std::back_inserter(titles), &Column::title);
        lay_row(titles, widths, layout, lines);
    }
    for (const Row& row : rows_) {
        lay_row(row, widths, layout, lines);
    }
    return lines;
}

std::vector<std::size_t> Table::natural_widths(bool titles) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = std::max(columns_[i].min_width, titles ? display_width(columns_[i].title) : 0);
        for (const Row& row : rows_) {
            width = std::max(width, display_width(row[i]));
        }
        widths.push_back(width);
    }
    return widths;
}

void Table::narrow(std::vector<std::size_t>& widths, const TableLayout& layout) const {
    if (layout.width == 0 || widths.empty()) {
        return;
    }
    const std::size_t fixed = layout.indent + layout.gap * (widths.size() - 1);
    const auto may_give = [&](std::size_t i) {
        return columns_[i].narrow != Narrow::never && widths[i] > std::max<std::size_t>(columns_[i].min_width, 1);
    };
    while (std::accumulate(widths.begin(), widths.end(), fixed) > layout.width) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i) {
            if (may_give(i) && (widest == widths.size() || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest == widths.size()) {
            return;
        }
        --widths[widest];
    }
}

std::vector<std::string> Table::cell_lines(const std::string& cell, std::size_t column, std::size_t width) const {
    if (display_width(cell) <= width || columns_[column].narrow == Narrow::never) {
        return {cell};
    }
    if (columns_[column].narrow == Narrow::ellipsis) {
        return {elide(cell, width)};
    }
    return wrap_hard(cell, width);
}

void Table::lay_row(const Row& row, const std::vector<std::size_t>& widths, const TableLayout& layout,
                    std::vector<std::string>& lines) const {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
        cells.push_back(cell_lines(row[i], i, widths[i]));
        height = std::max(height, cells.back().size());
    }
    for (std::size_t y = 0; y < height; ++y) {
        std::string line(layout.indent, ' ');
        for (std::size_t i = 0; i < cells.size(); ++i) {
            line += i == 0 ? std::string() : std::string(layout.gap, ' ');
            line += padded(y < cells[i].size() ? cells[i][y] : std::string(), widths[i], columns_[i].align);
        }
        lines.push_back(without_trailing_spaces(line));
    }
}

}  // namespace netio
