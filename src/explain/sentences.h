// SPDX-License-Identifier: MIT
#pragma once

#include "ledger/books.h"
#include "model/report.h"

namespace netio::explain {

// What the three witnesses say, and where they contradict each other, in words.
model::Witnesses hear_witnesses(const model::Capture& capture, const ledger::Books& books);

// The first thing a reader sees. Uses the finished ledger, witnesses and findings.
std::string verdict_of(const model::Report& report, const ledger::Books& books);

}  // namespace netio::explain
