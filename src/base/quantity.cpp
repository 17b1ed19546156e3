// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "base/text.h"

namespace netio {
namespace {

// A decimal number with a unit, read without floating point so that what is accepted is exact.
struct Unit {
    std::string_view name;  // in lower case
    std::uint64_t factor;
};

struct Grammar {
    std::string_view noun;  // "size"
    std::string_view base;  // what one is: "byte"
    std::span<const Unit> units;
    std::uint64_t maximum;
    std::string_view advice;
};

// "12.5KiB" cut into "12", "5" and "KiB"; what follows the unit is kept to be complained about.
struct Parts {
    std::string_view whole, fraction, unit, rest;
    bool point = false;
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
// Bytes above 0x7F are taken as letters, for the micro sign.
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) > 0x7F;
}

template <class Predicate>
std::string_view take(std::string_view& text, Predicate belongs) {
    const auto end = std::find_if_not(text.begin(), text.end(), belongs);
    const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

Parts cut(std::string_view text) {
    Parts parts;
    parts.whole = take(text, is_digit);
    if (text.starts_with('.')) {
        parts.point = true;
        text.remove_prefix(1);
        parts.fraction = take(text, is_digit);
    }
    parts.unit = take(text, is_letter);
    parts.rest = text;
    return parts;
}

// Empty, or why `text` has not the form number[unit].
std::string form_error(std::string_view text, const Parts& parts, const Grammar& grammar) {
    if (text.empty()) {
        return "it is empty";
    }
    if (text.starts_with('-')) {
        return fmt::format("a {} cannot be negative", grammar.noun);
    }
    if (parts.whole.empty()) {
        return "it does not begin with a digit";
    }
    if (parts.point && parts.fraction.empty()) {
        return "no digit follows the point";
    }
    if (!parts.rest.empty()) {
        return fmt::format("unexpected '{}' at the end", parts.rest);
    }
    return {};
}

const Unit* find_unit(std::string_view name, const Grammar& grammar) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    const auto matches = [&](const Unit& unit) { return std::ranges::equal(name, unit.name, {}, lower); };
    const auto found = std::ranges::find_if(grammar.units, matches);
    return found == grammar.units.end() ? nullptr : &*found;
}

// False when `digits` times `factor` does not fit.
bool multiply(std::string_view digits, std::uint64_t factor, std::uint64_t& product) {
    product = 0;
    for (const char digit : digits) {
        if (__builtin_mul_overflow(product, 10U, &product) ||
            __builtin_add_overflow(product, static_cast<std::uint64_t>(digit - '0'), &product)) {
            return false;
        }
    }
    return !__builtin_mul_overflow(product, factor, &product);
}

enum class Verdict { exact, overflow, broken };

// A fraction is exact when its digits times the factor are a multiple of the power of ten they stand for. One with so
// many digits that this does not fit 64 bits is called broken; no factor up to an hour (3.6e12) makes a sensible one
// whole.
Verdict evaluate(const Parts& parts, std::uint64_t factor, std::uint64_t& value) {
    std::uint64_t part = 0;
    std::string_view fraction = parts.fraction;
    fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
    std::uint64_t divisor = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) {
        if (__builtin_mul_overflow(divisor, 10U, &divisor)) {
            return Verdict::broken;
        }
    }
    if (!multiply(fraction, factor, part) || part % divisor != 0) {
        return Verdict::broken;
    }
    const bool fits = multiply(parts.whole, factor, value) && !__builtin_add_overflow(value, part / divisor, &value);
    return fits ? Verdict::exact : Verdict::overflow;
}

Result<std::uint64_t> parse_quantity(std::string_view text, const Grammar& grammar) {
    const auto refuse = [&](std::string why) {
        return fail(fmt::format("'{}' is not a {}", text, grammar.noun), std::move(why), std::string(grammar.advice),
                    ExitCode::usage);
    };
    const Parts parts = cut(text);
    if (std::string why = form_error(text, parts, grammar); !why.empty()) {
        return refuse(std::move(why));
    }
    const Unit* unit = find_unit(parts.unit, grammar);
    if (unit == nullptr) {
        return refuse(fmt::format("unknown unit '{}'", parts.unit));
    }
    std::uint64_t value = 0;
    const Verdict verdict = evaluate(parts, unit->factor, value);
    if (verdict == Verdict::broken) {
        return refuse(fmt::format("it is not a whole number of {}s", grammar.base));
    }
    if (verdict == Verdict::overflow || value > grammar.maximum) {
        return refuse(fmt::format("it is more than {} {}s", grammar.maximum, grammar.base));
    }
    return value;
}

constexpr std::uint64_t kibi = 1024, mebi = kibi * 1024, gibi = mebi * 1024;
constexpr std::array<Unit, 11> size_units{{
    {"", 1},
    {"b", 1},
    {"k", kibi},
    {"kib", kibi},
    {"kb", 1000},
    {"m", mebi},
    {"mib", mebi},
    {"mb", 1000'000},
    {"g", gibi},
    {"gib", gibi},
    {"gb", 1000'000'000},
}};
constexpr std::array<Unit, 8> duration_units{{
    {"", 1'000'000'000},
    {"ns", 1},
    {"us", 1000},
    {"µs", 1000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    return parse_quantity(text, {"size", "byte", size_units, std::numeric_limits<std::uint64_t>::max(),
                                 "a number with K, M or G (powers of 1024) or KB, MB, GB (powers of 1000), like 16K"});
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    constexpr auto maximum = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return parse_quantity(text, {"duration", "nanosecond", duration_units, maximum,
                                 "a number with ns, us, ms, s, m or h, like 500ms (without a unit: seconds)"})
        .map([](std::uint64_t count) { return std::chrono::nanoseconds(static_cast<std::int64_t>(count)); });
}

}  // namespace netio
