// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/figure.h"

// Counts of perf events as a reader sees them.

namespace netio::report {

// Whether an event counts nanoseconds.
bool is_time(std::string_view event);
// What happens a few times a run: per byte it is a nought with digits behind it.
bool is_rare(std::string_view event);

// "12 345", "412 k", "1.23 M"; nanoseconds as a time.
std::string amount(std::string_view event, const model::Figure<std::uint64_t>& count);
// "0.727 ns", "1.02", "<0.001"; nothing for what is rare.
std::string per_byte(std::string_view event, const model::Figure<double>& figure);

}  // namespace netio::report
