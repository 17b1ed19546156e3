// SPDX-License-Identifier: MIT
#include "report/page.h"

#include <algorithm>

#include "base/text.h"
#include "report/fold.h"

namespace netio::report {

namespace {

constexpr unsigned least_columns = 60;
constexpr std::size_t hanging_beside = 2;

// ECMA-48 Select Graphic Rendition.
std::string_view sgr(Ink ink) {
    switch (ink) {
        case Ink::bold:
            return "\x1b[1m";
        case Ink::faint:
            return "\x1b[2m";
        case Ink::good:
            return "\x1b[32m";
        case Ink::warning:
            return "\x1b[1;33m";
        case Ink::bad:
            return "\x1b[1;31m";
        case Ink::plain:
            break;
    }
    return {};
}

std::string pad(std::size_t columns) {
    return std::string(columns, ' ');
}

}  // namespace

std::string items(const std::vector<std::string>& parts) {
    // Longer items may break inside, or a line could stay nearly empty.
    constexpr std::size_t short_item = 40;
    std::string joined;
    for (const auto& part : parts) {
        joined += joined.empty() ? std::string{} : unbreakable(" ") + "\u00b7 ";
        joined += display_width(part) <= short_item ? unbreakable(part) : part;
    }
    return joined;
}

Page::Page(const TerminalStyle& style) : style_(style), columns_(std::max(style.columns, least_columns)) {}

void Page::blank() {
    if (!result_.empty() && !result_.ends_with("\n\n")) {
        result_ += '\n';
    }
}

void Page::text(const Paragraph& paragraph, std::size_t hanging) {
    const Paragraph shown = clean(paragraph);
    bool first = true;
    for (const auto& part : fold(shown.text, columns_, columns_ - hanging)) {
        line(first ? paint_first(part, shown) : pad(hanging) + paint(part, shown.ink));
        first = false;
    }
}

void Page::section(std::string_view label, const std::vector<Paragraph>& paragraphs) {
    for (const auto& paragraph : paragraphs) {
        beside(label, clean(paragraph));
        label = {};
    }
}

void Page::grid(const Grid& grid) {
    Grid shown = grid;
    for (auto& row : shown.rows) {
        for (auto& cell : row) {
            cell.text = clean(cell.text);
        }
    }
    for (const auto& pieces : lay_out(shown, columns_)) {
        std::string text;
        std::size_t at = 0;
        for (const auto& piece : pieces) {
            text += pad(piece.start - at) + paint(piece.text, piece.ink);
            at = piece.start + display_width(piece.text);
        }
        line(text);
    }
}

std::string Page::clean(std::string_view text) const {
    return printable(text, style_.unicode);
}

Paragraph Page::clean(const Paragraph& paragraph) const {
    return {clean(paragraph.text), paragraph.ink, clean(paragraph.head)};
}

void Page::beside(std::string_view label, const Paragraph& paragraph) {
    const std::size_t room = columns_ - margin;
    std::string before = paint(label, Ink::bold) + pad(margin - display_width(label));
    bool first = true;
    for (const auto& part : fold(paragraph.text, room, room - hanging_beside)) {
        line(before + (first ? paint_first(part, paragraph) : paint(part, paragraph.ink)));
        before = pad(margin + hanging_beside);
        first = false;
    }
}

void Page::line(std::string_view text) {
    result_ += text;
    result_ += '\n';
}

std::string Page::paint(std::string_view text, Ink ink) const {
    if (!style_.colour || ink == Ink::plain || text.empty()) {
        return std::string{text};
    }
    return std::string{sgr(ink)}.append(text).append("\x1b[0m");
}

std::string Page::paint_first(std::string_view line, const Paragraph& paragraph) const {
    if (paragraph.head.empty() || !line.starts_with(paragraph.head)) {
        return paint(line, paragraph.ink);
    }
    return paint(paragraph.head, Ink::bold) + paint(line.substr(paragraph.head.size()), paragraph.ink);
}

}  // namespace netio::report
