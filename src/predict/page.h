// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "predict/rules.h"
#include "report/style.h"

// A prediction as its readers get it.

namespace netio::predict {

// The first sentence of it: what will become of the send, and why.
std::string verdict(const Facts& facts, const Prediction& prediction);
// For a person: the verdict, the way step by step, the causes, what could not be known, what to try.
std::string render(const Facts& facts, const Prediction& prediction, const report::TerminalStyle& style);
// The same as one JSON object with schema_version.
std::string render_json(const Facts& facts, const Prediction& prediction);
// For a column of a table: "copied-late: packet-tap, local-delivery; perhaps bpf-pull".
std::string summary(const Prediction& prediction);

}  // namespace netio::predict
