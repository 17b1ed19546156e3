// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/json.h"
#include "model/report.h"
#include "model/vocabulary.h"
#include "predict/agreement.h"
#include "provoke/scenario.h"

// Provokes the scenarios one after the other and compares what was provoked with what the report names.

namespace netio::app {

struct ProveOptions {
    std::vector<std::string> only;  // ids of scenarios; empty: all
    model::Tier tier = model::Tier::automatic;
    std::uint64_t messages = 499;
    std::string json;  // where to write everything, each run's report included; "-": to stdout, instead of the table
};

enum class Outcome : std::uint8_t { named, misnamed, skipped, failed };
inline constexpr std::array<model::Name<Outcome>, 4> outcome_names{{
    {Outcome::named, "ok"},
    {Outcome::misnamed, "WRONG"},
    {Outcome::skipped, "skipped"},
    {Outcome::failed, "FAILED"},
}};

// One scenario's row of the table.
struct Proof {
    const provoke::Scenario* scenario = nullptr;
    Outcome outcome = Outcome::failed;
    std::string named;      // causes with their share of the bytes
    std::string claim;      // what the error queue told the program
    std::string truth;      // bytes copied after the send call, for each payload byte
    std::string detail;     // what is off the diagonal, or why it was skipped or failed
    std::string predicted;  // what was said of it before the run; empty: there was no run
    predict::Agreement agreement;
    model::Json run;  // what `netio-trace --json` writes of it; null: there was no run
};

// What a finished report says of a scenario: the named causes are those it must name, perhaps with some that it may;
// and nothing is left unexplained.
Proof judge(const provoke::Scenario& scenario, const model::Report& report);

// Exit code: 0 where everything that this kernel can provoke was named rightly and no prediction contradicts what was
// measured, 1 where not.
Result<int> prove(const ProveOptions& options);

}  // namespace netio::app
