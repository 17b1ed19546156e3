// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <algorithm>
#include <numeric>

namespace netio {
namespace {

constexpr std::string_view blanks = " \t\r\n\f\v";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Levenshtein distance of bytes, letters of either case being equal; one row of the table at a time.
std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = diagonal + (lower(from[i]) == lower(to[j]) ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

// The only candidate that begins with `word`: "zero" means "zerocopy", far as the two are in edits.
std::string_view completion(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view found;
    for (const std::string_view candidate : candidates) {
        if (word.size() >= 2 && candidate.starts_with(word)) {
            if (!found.empty()) {
                return {};
            }
            found = candidate;
        }
    }
    return found;
}

// True for the space inside "412 331" (a digit before it and a group of exactly three after it): no place to break.
bool parts_digit_groups(std::string_view text, std::size_t space) {
    if (space == 0 || !is_digit(text[space - 1])) {
        return false;
    }
    const std::string_view rest = text.substr(space + 1);
    const auto digits = std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin();
    return digits == 3;
}

// The words of one paragraph; digit groups stay one word.
std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && (text[i] != ' ' || parts_digit_groups(text, i))) {
            continue;
        }
        if (i > start) {
            words.push_back(text.substr(start, i - start));
        }
        start = i + 1;
    }
    return words;
}

void wrap_paragraph(std::string_view text, std::size_t columns, std::vector<std::string>& lines) {
    std::string line;
    for (const std::string_view word : words_of(text)) {
        if (!line.empty() && display_width(line) + 1 + display_width(word) > columns) {
            lines.push_back(std::exchange(line, {}));
        }
        line += line.empty() ? "" : " ";
        line += word;
    }
    lines.push_back(line);
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view best = completion(word, candidates);
    if (!best.empty()) {
        return std::string(best);
    }
    std::size_t best_distance = word.size() / 3 + 2;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        // A distance as long as the word itself means that nothing of it is left.
        if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
            best = candidate;
            best_distance = distance;
        }
    }
    return std::string(best);
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
    std::string text;
    for (const std::string& part : parts) {
        text += &part == parts.data() ? std::string_view{} : separator;
        text += part;
    }
    return text;
}

std::string trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
    std::vector<std::string> lines;
    if (text.empty()) {
        return lines;
    }
    for (const std::string& paragraph : split(text, '\n')) {
        wrap_paragraph(paragraph, columns, lines);
    }
    return lines;
}

}  // namespace netio
