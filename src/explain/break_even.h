// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "explain/rounds.h"
#include "model/comparison.h"

namespace netio::explain {

// Adds to a comparison, whose `sizes` are there, from which size on the last mode costs less than the first: measured,
// where there are several sizes, and predicted. All is worked out within each round and then spread over the rounds.
//
// The prediction parts what the last mode costs more into what is paid by the send and what by the byte. With several
// sizes that is a line fitted to their costs; with one it is an estimate, in which the classes that each send has once
// (the program, the system call's entry, the completion's notification) are paid by the send and all others by the
// byte.
void add_break_even(const std::vector<std::vector<Round>>& sizes, model::SizeComparison& all);

}  // namespace netio::explain
