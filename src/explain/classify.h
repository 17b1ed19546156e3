// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "ledger/books.h"
#include "model/report.h"

namespace netio::explain {

// The id of the cause of a group of late copies, from its call stack and device alone; "unclassified" where no rule
// matches. `others` are all groups of the run: where a kernel copies for local delivery in a function of its own, the
// generic receive function copies for taps only. `receiver_tapped`: a tap listens in the receiver's namespace; it gets
// every packet there before local delivery does.
std::string cause_of(const ledger::LateGroup& group, const std::vector<ledger::LateGroup>& others,
                     bool receiver_tapped);

// All findings of a run, by bytes, largest first: late copies by cause, and zero-copy calls that never pinned a page.
// Adds the accounts of the late copies to the ledger.
std::vector<model::Finding> find_causes(const model::Capture& capture, ledger::Books& books);

}  // namespace netio::explain
