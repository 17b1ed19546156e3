// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/report.h"
#include "predict/rules.h"

// A prediction held against what was then measured.

namespace netio::predict {

struct Agreement {
    enum class Verdict : std::uint8_t {
        agrees,       // what was predicted came about, and nothing else
        cannot_know,  // the prediction says that it cannot know what came about
        contradicts,
    };
    Verdict verdict = Verdict::agrees;
    std::string detail;  // what contradicts, or which causes could not be known
};

// The report is one of a run that was made right after the prediction.
Agreement compare(const Prediction& prediction, const model::Report& report);

}  // namespace netio::predict
