// SPDX-License-Identifier: MIT
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace netio {
namespace {

// Three significant digits, as many after the point as `value` leaves room for. The limits are where rounding would add
// a digit before the point: 9.996 is "10.0", not "10.00".
std::string three_digits(double value) {
    const int after_point = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}", value, after_point);
}

// `value` in the first unit that brings it below 1000 after rounding; each unit is 1000 times the one before.
std::string in_units(double value, std::span<const std::string_view> units) {
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return fmt::format("{} {}", three_digits(value), units[unit]);
}

}  // namespace

std::string format_count(std::uint64_t value) {
    std::string text = fmt::format("{}", value);
    for (std::size_t position = text.size(); position > 3;) {
        position -= 3;
        text.insert(position, 1, ' ');
    }
    return text;
}

std::string format_bytes(std::uint64_t bytes) {
    static constexpr std::array<std::string_view, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return bytes < 1000 ? fmt::format("{} B", bytes) : in_units(static_cast<double>(bytes), units);
}

std::string format_duration(std::chrono::nanoseconds duration) {
    static constexpr std::array<std::string_view, 4> units{"ns", "us", "ms", "s"};
    const auto count = duration.count();
    if (count > -1000 && count < 1000) {
        return fmt::format("{} ns", count);
    }
    return (count < 0 ? "-" : "") + in_units(std::abs(static_cast<double>(count)), units);
}

std::string format_bit_rate(double bits_per_second) {
    static constexpr std::array<std::string_view, 5> units{"b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"};
    return in_units(bits_per_second, units);
}

std::string format_ratio(double ratio, int digits) {
    return fmt::format("{:.{}f}", ratio, digits);
}

std::string format_percent(double share) {
    std::string rounded = fmt::format("{:.1f} %", share * 100);
    if (rounded == "100.0 %" && share < 1) {
        return "99.9 %";
    }
    if (rounded == "100.0 %" && share > 1) {
        return ">100.0 %";
    }
    if (share > 0 && rounded == "0.0 %") {
        return "<0.1 %";
    }
    return rounded;
}

}  // namespace netio
