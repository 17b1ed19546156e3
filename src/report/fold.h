// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Text as a terminal can show it: made harmless, kept together where it belongs together, and broken into lines.

namespace netio::report {

// Names come from the traced machine (a process may call itself anything), so what could steer a terminal or upset the
// columns (control characters, broken UTF-8, wide, combining and bidirectional characters) becomes "?". Without
// `unicode` the few signs the project prints are spelled in ASCII.
std::string printable(std::string_view text, bool unicode);

// The same text with spaces that fold() does not break at.
std::string unbreakable(std::string_view text);

// Break `text` at spaces into lines of at most `first` columns for the first and `rest` for the others. Numbers stay
// with their groups and units ("412 331", "6.76 GB"), an arrow with what it points from ("<- tcp_ack"). A word longer
// than a line is cut, after an underscore or another joint where there is one. Both widths must be positive.
std::vector<std::string> fold(std::string_view text, std::size_t first, std::size_t rest);

}  // namespace netio::report
