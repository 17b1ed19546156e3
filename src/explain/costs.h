// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/report.h"

namespace netio::explain {

// Gives each account of the ledger what its work cost a payload byte, by the class of the profile that is this work and
// no other: pinning, and each way of copying. Samples do not tell apart copies of several causes, which then have none.
void add_costs(model::Report& report);

// "By samples of cpu-clock a payload byte cost 1.440 ns: 0.432 copy out of the kernel, ...": the dearest classes and
// what is left, which sum up as they are printed. Empty where no profile was taken, or no payload sent.
std::string cost_sentence(const model::Report& report);

}  // namespace netio::explain
