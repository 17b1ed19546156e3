// SPDX-License-Identifier: MIT
#include "report/counter_figures.h"

#include <chrono>

#include "base/text.h"
#include "base/words.h"
#include "report/figures.h"

namespace netio::report {

bool is_time(std::string_view event) {
    return is_one_of(event, {"task-clock", "cpu-clock", "busy-time", "softirq-time"});
}

bool is_rare(std::string_view event) {
    return is_one_of(event, {"context-switches", "page-faults", "cpu-migrations"});
}

std::string amount(std::string_view event, const model::Figure<std::uint64_t>& count) {
    constexpr std::uint64_t written_out = 100'000;
    if (!count.measured()) {
        return std::string{not_available};
    }
    if (is_time(event)) {
        return format_duration(std::chrono::nanoseconds{static_cast<std::int64_t>(count.value())});
    }
    if (count.value() < written_out) {
        return format_count(count.value());
    }
    std::string text = format_bytes(count.value());
    text.pop_back();  // events have the prefix alone
    return text;
}

std::string per_byte(std::string_view event, const model::Figure<double>& figure) {
    constexpr double least = 0.001;
    if (is_rare(event)) {
        return {};
    }
    if (!figure.measured()) {
        return std::string{not_available};
    }
    const double value = figure.value();
    const std::string unit = is_time(event) ? " ns" : "";
    if (value <= 0) {
        return "0" + unit;
    }
    if (value < least) {
        return "<0.001" + unit;
    }
    return format_ratio(value, value < 1 ? 3 : value < 100 ? 2 : 0) + unit;
}

}  // namespace netio::report
