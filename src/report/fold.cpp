// SPDX-License-Identifier: MIT
#include "report/fold.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace netio::report {

namespace {

// Stands for a space inside this module only: no text that is printed holds control characters.
constexpr char hard_space = '\x1f';

struct CodePoint {
    char32_t value = 0;
    std::size_t length = 1;  // bytes; 1 with value 0 for a broken sequence
};

// Decode the code point that `text` (not empty) starts with; RFC 3629, overlong forms and surrogates refused.
CodePoint decode(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1};
    }
    const std::size_t length = lead >= 0xf0 ? 4U : lead >= 0xe0 ? 3U : 2U;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) {
        return {};
    }
    char32_t value = lead & (0xffU >> (length + 1));
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0) != 0x80) {
            return {};
        }
        value = (value << 6U) | (byte(at) & 0x3fU);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xd800 && value < 0xe000;
    return value < least[length] || surrogate || value > 0x10ffff ? CodePoint{} : CodePoint{value, length};
}

struct Range {
    char32_t first, last;
};
// Blocks whose characters all take one column: Latin, Greek, Cyrillic, punctuation, signs, arrows, mathematics, boxes.
constexpr std::array<Range, 9> narrow{{{0x20, 0x7e},
                                       {0xa1, 0xac},
                                       {0xae, 0x2ff},
                                       {0x370, 0x482},
                                       {0x48a, 0x52f},
                                       {0x2010, 0x2027},
                                       {0x2030, 0x205e},
                                       {0x2190, 0x22ff},
                                       {0x2500, 0x257f}}};

bool is_narrow(char32_t value) {
    return std::any_of(narrow.begin(), narrow.end(),
                       [&](const Range& range) { return value >= range.first && value <= range.last; });
}

std::string_view in_ascii(char32_t value) {
    switch (value) {
        case U'\u00b1':
            return "+-";
        case U'\u00b7':
            return "|";
        case U'\u00b5':
            return "u";
        case U'\u00d7':
            return "x";
        case U'\u2264':
            return "<=";
        case U'\u2265':
            return ">=";
        case U'\u2190':
            return "<-";
        case U'\u2192':
            return "->";
        case U'\u2013':
        case U'\u2014':
            return "-";
        case U'\u2018':
        case U'\u2019':
            return "'";
        case U'\u2026':
            return "...";
        default:
            return "?";
    }
}

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

bool is_unit(std::string_view word) {
    constexpr std::array<std::string_view, 19> units{"B",  "kB", "MB", "GB", "TB",  "PB",   "EB",   "%",    "ns",  "us",
                                                     "ms", "s",  "k",  "M",  "b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"};
    const std::size_t end = word.find_last_not_of(",.;:)");
    word = word.substr(0, end == std::string_view::npos ? 0 : end + 1);
    return std::find(units.begin(), units.end(), word) != units.end();
}

// Whether the space between `before` (all that precedes it) and `after` holds a figure or an arrow together.
bool belongs_together(std::string_view before, std::string_view after) {
    const bool number = !before.empty() && is_digit(before.back());
    if (number &&
        (is_unit(after.substr(0, after.find_first_of(" \x1f"))) || (!after.empty() && is_digit(after.front())))) {
        return true;
    }
    const std::string_view word = before.substr(before.rfind(' ') + 1);
    return word == "<-" || word == "->" || word == "<=" || word == "\u2264";
}

std::string keep_together(std::string_view text) {
    std::string kept;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool hold = text[at] == ' ' && belongs_together(text.substr(0, at), text.substr(at + 1));
        kept += hold ? hard_space : text[at];
    }
    return kept;
}

// Bytes of `word` that fill at most `columns`, cut after a joint if that leaves the line at least half full.
std::size_t cut_of(std::string_view word, std::size_t columns) {
    std::size_t at = 0;
    std::size_t joint = 0;
    for (std::size_t column = 1; column <= columns && at < word.size(); ++column) {
        at += decode(word.substr(at)).length;
        if (column * 2 >= columns && std::string_view{"_/-,.:"}.find(word[at - 1]) != std::string_view::npos) {
            joint = at;
        }
    }
    return joint > 0 && at < word.size() ? joint : at;
}

// A line as it is printed: what only parts it from the next one is left out.
std::string finished(std::string line, bool last) {
    constexpr std::string_view sign = "\u00b7";
    for (const std::string& separator : {hard_space + std::string{sign}, std::string{hard_space, '|'}}) {
        if (!last && line.ends_with(separator)) {
            line.resize(line.size() - separator.size());
        }
    }
    std::replace(line.begin(), line.end(), hard_space, ' ');
    return line.substr(0, line.find_last_not_of(' ') + 1);
}

}  // namespace

std::string printable(std::string_view text, bool unicode) {
    std::string shown;
    while (!text.empty()) {
        const CodePoint point = decode(text);
        if (point.value == static_cast<unsigned char>(hard_space)) {
            shown += hard_space;
        } else if (point.value == U'\u00a0' || point.value == '\n' || point.value == '\t') {
            shown += ' ';
        } else if (!is_narrow(point.value)) {
            shown += '?';
        } else if (point.value < 0x80 || unicode) {
            shown += text.substr(0, point.length);
        } else {
            shown += in_ascii(point.value);
        }
        text.remove_prefix(point.length);
    }
    return shown;
}

std::string unbreakable(std::string_view text) {
    std::string held{text};
    std::replace(held.begin(), held.end(), ' ', hard_space);
    return held;
}

std::vector<std::string> fold(std::string_view text, std::size_t first, std::size_t rest) {
    std::vector<std::string> lines;
    std::string line;
    const auto width = [&] { return lines.empty() ? first : rest; };
    const auto finish = [&](bool last) { lines.push_back(finished(std::exchange(line, {}), last)); };
    for (std::string word : split(keep_together(text), ' ')) {
        if (word.empty()) {
            continue;
        }
        if (!line.empty() && display_width(line) + 1 + display_width(word) > width()) {
            finish(false);
        }
        while (display_width(word) > width()) {
            const std::size_t cut = cut_of(word, width());
            line = word.substr(0, cut);
            word.erase(0, cut);
            finish(false);
        }
        line += line.empty() ? word : " " + word;
    }
    if (!line.empty()) {
        finish(true);
    }
    return lines;
}

}  // namespace netio::report
