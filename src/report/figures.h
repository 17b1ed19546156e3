// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/report.h"

// Figures as a reader sees them: a number in its unit, or "n/a" with its reason nearby.

namespace netio::report {

inline constexpr std::string_view not_available = "n/a";

std::string show_bytes(const model::Figure<std::uint64_t>& bytes);
std::string show_count(const model::Figure<std::uint64_t>& count);
std::string show_ratio(const model::Figure<double>& ratio);
// Nanoseconds.
std::string show_duration(const model::Figure<double>& duration_ns);

// "412 331 calls", "1 call".
std::string count_of(std::uint64_t count, std::string_view one, std::string_view more);

// Gathers what is missing and says each reason once: "cycles, instructions n/a: this machine exposes no PMU".
class Missing {
 public:
    // A name that was added for the same reason before is not repeated.
    void add(const std::string& name, const std::string& reason);
    template <class T>
    void add_unless_measured(const std::string& name, const model::Figure<T>& figure) {
        if (!figure.measured()) {
            add(name, figure.reason());
        }
    }
    // In the order of the first name added for each reason.
    std::vector<std::string> sentences() const;

 private:
    std::vector<std::pair<std::string, std::vector<std::string>>> names_by_reason_;
};

// Three digits behind the point up to 1, where a byte costs less than a nanosecond.
std::string format_per_byte(const model::Figure<double>& figure);

// The tiers that probes were attached by, in the order of the vocabulary; empty where no probe was.
std::vector<std::string> tiers_used(const std::vector<model::ProbeFacts>& coverage);

}  // namespace netio::report
