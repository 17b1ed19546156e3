// SPDX-License-Identifier: MIT
#pragma once

#include "model/vocabulary.h"
#include "report/doctor.h"

namespace netio::app {

// Asks the running kernel what it allows this process, with probes of `tier` only where that is not automatic. What is
// attached for it comes off at once; nothing else on the machine changes. Needs no privilege: a refusal is a fact.
report::DoctorFacts collect_doctor_facts(model::Tier tier);

}  // namespace netio::app
