// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "report/grid.h"
#include "report/style.h"

namespace netio::report {

// Items in one running text, which lines break between rather than inside.
std::string items(const std::vector<std::string>& parts);

struct Paragraph {
    std::string text;
    Ink ink = Ink::plain;
    std::string head = {};  // the words `text` begins with that are printed bold
};

// Lays text out line by line. No line is wider than the page, which is as wide as the terminal and at least 60 columns.
// All text is made printable() on its way in, wherever it comes from.
class Page {
 public:
    explicit Page(const TerminalStyle& style);

    std::size_t columns() const { return columns_; }

    // One empty line, never two and never at the top.
    void blank();
    // A paragraph over the whole width, with `hanging` columns before the lines after the first.
    void text(const Paragraph& paragraph, std::size_t hanging = 0);
    // A label in the left margin and paragraphs beside it; nothing where there are none.
    void section(std::string_view label, const std::vector<Paragraph>& paragraphs);
    void grid(const Grid& grid);

    const std::string& result() const { return result_; }

    static constexpr std::size_t margin = 10;  // "Not seen" and two spaces

 private:
    std::string clean(std::string_view text) const;
    Paragraph clean(const Paragraph& paragraph) const;
    void beside(std::string_view label, const Paragraph& paragraph);
    void line(std::string_view text);
    std::string paint(std::string_view text, Ink ink) const;
    std::string paint_first(std::string_view line, const Paragraph& paragraph) const;

    TerminalStyle style_;
    std::size_t columns_;
    std::string result_;
};

}  // namespace netio::report
