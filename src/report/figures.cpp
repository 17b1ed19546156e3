// SPDX-License-Identifier: MIT
#include "report/figures.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace netio::report {

namespace {

template <class T, class Format>
std::string show(const model::Figure<T>& figure, Format format) {
    return figure.measured() ? format(figure.value()) : std::string{not_available};
}

}  // namespace

std::string show_bytes(const model::Figure<std::uint64_t>& bytes) {
    return show(bytes, format_bytes);
}

std::string show_count(const model::Figure<std::uint64_t>& count) {
    return show(count, format_count);
}

std::string show_ratio(const model::Figure<double>& ratio) {
    return show(ratio, [](double value) { return format_ratio(value); });
}

std::string show_duration(const model::Figure<double>& duration_ns) {
    return show(duration_ns,
                [](double value) { return format_duration(std::chrono::nanoseconds{std::llround(value)}); });
}

std::string count_of(std::uint64_t count, std::string_view one, std::string_view more) {
    return format_count(count).append(" ").append(count == 1 ? one : more);
}

void Missing::add(const std::string& name, const std::string& reason) {
    auto found = std::ranges::find_if(names_by_reason_, [&](const auto& entry) { return entry.first == reason; });
    if (found == names_by_reason_.end()) {
        found = names_by_reason_.insert(found, {reason, {}});
    }
    auto& names = found->second;
    if (std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
    }
}

std::vector<std::string> Missing::sentences() const {
    std::vector<std::string> sentences;
    for (const auto& [reason, names] : names_by_reason_) {
        sentences.push_back(join(names, ", ").append(" ").append(not_available).append(": ").append(reason));
    }
    return sentences;
}

std::vector<std::string> tiers_used(const std::vector<model::ProbeFacts>& coverage) {
    std::vector<std::string> used;
    for (const auto& tier : model::tier_names) {
        const bool any = std::ranges::any_of(coverage, [&](const auto& probe) { return probe.tier == tier.value; });
        if (any && tier.value != model::Tier::none) {
            used.emplace_back(tier.text);
        }
    }
    return used;
}

std::string format_per_byte(const model::Figure<double>& figure) {
    constexpr double least = 0.0005;
    if (!figure.measured()) {
        return std::string{not_available};
    }
    const double value = figure.value();
    if (value <= 0) {
        return "0";
    }
    return value < least ? "<0.001" : format_ratio(value, value < 10 ? 3 : 1);
}

}  // namespace netio::report
