// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "ledger/stages.h"
#include "model/profile.h"

namespace netio::ledger {

// What stands first and last beside the classes of the table.
inline constexpr std::string_view program_stage = "program";
inline constexpr std::string_view other_stage = "other";

// Samples folded by class and by whose task was interrupted, and what they stand for per payload byte: nanoseconds of
// cpu-clock, or cycles. Every sample is in exactly one class. Weights of a counter that shared its hardware are scaled
// (see scaled()); samples that were lost are not made up for.
model::Profile summarize_profile(const model::ProfileFacts& facts, const model::Figure<std::uint64_t>& payload_bytes,
                                 const Stages& table = stages());

}  // namespace netio::ledger
