// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "model/comparison.h"
#include "report/page.h"

// The parts of a comparison's text. Not for other modules.

namespace netio::report {

// "0.298 to 0.325"; digits behind the point.
std::string show_interval(const model::Spreads& spreads, int digits);
// "0.310"; a sign stands before differences.
std::string show_median(const model::Spreads& spreads, int digits);
std::string show_difference(const model::Spreads& spreads);

// Whether the class is next to nothing in every mode.
bool is_empty(const model::ComparedStage& stage);

// Messages of one size: classes by modes, then the modes' speed.
void put_one_size(Page& page, const model::Comparison& comparison);
// Of several: sizes and their ratios, classes by sizes.
void put_sizes(Page& page, const std::vector<model::Comparison>& sizes);

}  // namespace netio::report
