// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace netio {

// Numbers for people. Groups of three are parted by a plain space: "412 331".
std::string format_count(std::uint64_t value);
// Decimal units, three significant digits: "0 B", "999 B", "6.76 GB".
std::string format_bytes(std::uint64_t bytes);
// Three significant digits: "850 ns", "1.90 us", "24.0 us", "61.3 ms", "5.00 s".
std::string format_duration(std::chrono::nanoseconds duration);
// Bits per second: "10.8 Gb/s".
std::string format_bit_rate(double bits_per_second);
// A ratio as "1.00"; `digits` after the point.
std::string format_ratio(double ratio, int digits = 2);
// A share (0 or more) in percent: "100.0 %". Rounds neither to the whole nor to nothing: 0.99999 is "99.9 %", 0.00001
// is
// "<0.1 %", 1.00001 is ">100.0 %".
std::string format_percent(double share);

// "4093", "16K", "1.5M". K, M, G and KiB, MiB, GiB are powers of 1024, as message sizes are commonly written; KB, MB
// and GB are powers of 1000; letters of either case. A fraction is taken if the result is a whole number of bytes.
// Nothing may precede or follow, blanks neither. Errors: ExitCode::usage, `why` says what is wrong with the text.
Result<std::uint64_t> parse_size(std::string_view text);
// "500ms", "1.5s", "5", "2m", "250us", "1h"; a number without unit is seconds, m is minutes. Result in nanoseconds, at
// least 0. Form and errors as in parse_size.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// The candidate that `word` most likely meant, or empty where none is near: the only one it abbreviates, else the one
// within len/3 + 1 edits (case ignored), the first among equals.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

// The fields between separators: one more than there are separators, empty ones included.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string trim(std::string_view text);
// Display columns of UTF-8 text (every code point counts one; the project prints no wide ones).
std::size_t display_width(std::string_view utf8);
// The beginning of UTF-8 text that fills at most `columns`.
std::string_view first_columns(std::string_view utf8, std::size_t columns);
// The text, or where it is wider than `columns` its beginning and an ellipsis.
std::string elide(std::string_view utf8, std::size_t columns);
// The text with each byte that is not well-formed UTF-8 replaced by U+FFFD: command names may hold any bytes.
std::string valid_utf8(std::string_view bytes);
// Break at spaces so that no line is wider than `columns` (a longer word stands alone on its line). Keeps line breaks,
// drops repeated spaces, never parts the digit groups of one number ("412 331"). Empty text has no lines.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

}  // namespace netio
