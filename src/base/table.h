// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace netio {

enum class Align { left, right };

// What happens to a column when the table is wider than it may be.
enum class Narrow {
    never,     // keeps its natural width
    ellipsis,  // cells are cut and end in an ellipsis
    wrap,      // cells go on in the lines below
};

struct Column {
    std::string title;
    Align align = Align::left;
    std::size_t min_width = 0;  // columns of the terminal, held even where every cell is narrower
    Narrow narrow = Narrow::never;
};

struct TableLayout {
    std::size_t width = 80;  // of a whole line; 0: no limit
    std::size_t indent = 0;  // spaces before every line
    std::size_t gap = 2;     // spaces between columns
    bool titles = true;      // a first line with the titles
};

// Cells of UTF-8 text laid out in columns. Plain text only: colour is for the caller to add to finished lines.
class Table {
 public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // One row; cells that are missing at the end are empty. More cells than columns are a mistake of the caller
    // (std::invalid_argument).
    void add_row(std::vector<std::string> cells);
    std::size_t rows() const { return rows_.size(); }

    // The lines, without trailing spaces. The widest of the columns that may narrow gives way first, none below its
    // min_width (or 1); if that is not enough, lines are wider than asked.
    std::vector<std::string> lines(const TableLayout& layout = {}) const;

 private:
    using Row = std::vector<std::string>;

    std::vector<std::size_t> natural_widths(bool titles) const;
    void narrow(std::vector<std::size_t>& widths, const TableLayout& layout) const;
    std::vector<std::string> cell_lines(const std::string& cell, std::size_t column, std::size_t width) const;
    void lay_row(const Row& row, const std::vector<std::size_t>& widths, const TableLayout& layout,
                 std::vector<std::string>& lines) const;

    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

}  // namespace netio
