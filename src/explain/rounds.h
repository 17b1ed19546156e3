// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/comparison.h"
#include "model/report.h"

// Figures of runs that took turns, taken within a round and spread over the rounds. Not for other modules.

namespace netio::explain {

// The reports of one round, one for each mode.
using Round = std::vector<model::Report>;
using FigureOf = std::function<model::Figure<double>(const model::Report&)>;
using Combine =
    std::function<model::Figure<double>(const model::Figure<double>& of, const model::Figure<double>& against)>;

// What a payload byte cost, in the unit of the profile; missing where no profile was taken.
model::Figure<double> whole_cost(const model::Report& report);
// The same as counters have it, of server and client alone: cycles where the profile is of cycles, else task-clock.
model::Figure<double> counted_cost(const model::Report& report);
// What a byte cost in one class of the profile, and in all that fit.
FigureOf cost_of(const std::string& id);
FigureOf cost_where(const std::function<bool(const std::string& id)>& fits);

// Whether a class of the profile moves payload.
bool is_copying(const std::string& id);

model::Figure<double> difference(const model::Figure<double>& of, const model::Figure<double>& against);
model::Figure<double> ratio(const model::Figure<double>& of, const model::Figure<double>& against);

// The last mode against the first, in each round.
std::vector<model::Figure<double>> paired(const std::vector<Round>& rounds, const FigureOf& figure_of,
                                          const Combine& combine);
// One mode in each round.
std::vector<model::Figure<double>> of_mode(const std::vector<Round>& rounds, std::size_t mode,
                                           const FigureOf& figure_of);

// Missing where one of the figures is, or where they are too few (stats::spread_of).
model::Spreads spread(const std::vector<model::Figure<double>>& figures);

// Whether chance alone may not have made it: `neutral` lies outside the interval.
bool is_clear(const model::Spreads& spread, double neutral);

}  // namespace netio::explain
