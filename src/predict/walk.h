// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.h"
#include "predict/facts.h"
#include "predict/world.h"

namespace netio::predict {

// Fills in Facts::route and Facts::way, from the sender's namespace to Facts::target; and notes in Facts::unknown what
// of it could not be seen. Error: no route (ExitCode::usage).
Result<void> walk(World& world, Facts& facts);

}  // namespace netio::predict
