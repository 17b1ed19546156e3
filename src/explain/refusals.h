// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "ledger/books.h"
#include "model/report.h"

namespace netio::explain {

// Whether the option memory of the sender's sockets is so small that any run may have calls refused for it.
bool has_small_option_memory(const model::Environment& environment);

// Zero-copy calls that the kernel refused or turned into ordinary ones, by cause: from where they are counted, from the
// errno together with the limit that was used up, and from the socket's protocol.
std::vector<model::Finding> find_refusals(const model::Capture& capture, const ledger::Books& books);

}  // namespace netio::explain
