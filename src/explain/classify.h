// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "explain/rules.h"
#include "ledger/books.h"
#include "model/report.h"

namespace netio::explain {

// The id of the cause of a group of late copies, from the rules of docs/causes.json; "unclassified" where none
// matches. `others` are all groups of the run: where a kernel copies for local delivery in a function of its own, the
// generic receive function copies for taps only.
std::string cause_of(const ledger::LateGroup& group, const std::vector<ledger::LateGroup>& others, const Scene& scene);

// All findings of a run, by bytes, largest first: late copies by cause, and zero-copy calls that never pinned a page.
// Adds the accounts of the late copies to the ledger.
std::vector<model::Finding> find_causes(const model::Capture& capture, ledger::Books& books);

}  // namespace netio::explain
