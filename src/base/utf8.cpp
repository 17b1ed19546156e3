// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"

namespace netio {
namespace {

bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Bytes of the well-formed sequence that `text` begins with (Unicode 15, table 3-7), or 0.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length > text.size() ||
        !std::all_of(text.begin() + 1, text.begin() + std::max<long>(1, static_cast<long>(length)), continues)) {
        return 0;
    }
    // Overlong forms, surrogates and code points above U+10FFFF show in the second byte.
    const bool outside = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                         (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
    return outside ? 0 : length;
}

// Bytes that the first `columns` code points take.
std::size_t bytes_of(std::string_view utf8, std::size_t columns) {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        seen += continues(utf8[i]) ? 0 : 1;
        if (seen > columns) {
            return i;
        }
    }
    return utf8.size();
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
    return utf8.size() - static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), continues));
}

std::string_view first_columns(std::string_view utf8, std::size_t columns) {
    return utf8.substr(0, bytes_of(utf8, columns));
}

std::string elide(std::string_view utf8, std::size_t columns) {
    if (display_width(utf8) <= columns) {
        return std::string(utf8);
    }
    return columns == 0 ? std::string() : std::string(first_columns(utf8, columns - 1)) + "…";
}

std::string valid_utf8(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        text += length == 0 ? std::string_view("\uFFFD") : bytes.substr(0, length);
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

}  // namespace netio
