// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/table.h"

// Cells in columns, each cell with an ink of its own, so that one figure of a row can stand out. (netio::Table, which
// knows no inks, serves where text is all there is.)

namespace netio::report {

// What a piece of text means; on a terminal without colour all are printed alike.
enum class Ink { plain, bold, faint, good, warning, bad };

struct Cell {
    std::string text;
    Ink ink = Ink::plain;
};

struct GridColumn {
    Align align = Align::left;
    std::size_t limit = 24;  // cells wider than this are folded; a last column that is left-aligned takes what is left
    std::size_t least = 1;   // held even where every cell is narrower
};

// The first row holds the headings. Rows may be shorter than `columns`.
struct Grid {
    std::string title;  // stands at the left edge, in the first row where that is empty there, else above it
    std::size_t indent = 2;
    std::vector<GridColumn> columns;
    std::vector<std::vector<Cell>> rows;
};

// A part of one line: text at a column of the page. The pieces of a line ascend and do not overlap.
struct Piece {
    std::size_t start = 0;
    std::string text;
    Ink ink = Ink::plain;
};
using Line = std::vector<Piece>;

// The lines of the grid on a page of `columns` columns. Where little room is left for a last column that takes it, its
// cells go below their rows, without a heading.
std::vector<Line> lay_out(const Grid& grid, std::size_t columns);

}  // namespace netio::report
