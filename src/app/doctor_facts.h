// SPDX-License-Identifier: MIT
#pragma once

#include "app/experiment.h"
#include "model/vocabulary.h"
#include "report/doctor.h"

namespace netio::app {

// Asks the running kernel what it allows this process, with probes of `tier` only where that is not automatic; else
// each tier is tried by itself as well. The real programs are loaded and attached for it and come off at once; nothing
// else on the machine changes. Needs no privilege: a refusal is a fact.
report::DoctorFacts collect_doctor_facts(model::Tier tier, const Progress& progress);

}  // namespace netio::app
