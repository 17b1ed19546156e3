// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "ledger/books.h"

namespace netio::ledger {

// Rows of all sockets folded by function, caller, device and direction; largest first.
std::vector<LateGroup> group_late_copies(const model::Capture& capture);

}  // namespace netio::ledger
