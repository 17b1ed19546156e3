// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "app/experiment.h"
#include "perf/counters.h"
#include "provoke/scenario.h"
#include "workload/child.h"

namespace netio::app {

// The two workload processes of a run.
struct Actors {
    workload::Child server;
    workload::Child client;
    std::vector<perf::CountedThread> threads;  // of both, all of them
};

// Starts both in their namespaces and waits until every connection is made and every thread exists.
Result<Actors> start_actors(const model::Spec& spec, const provoke::Network& network, const provoke::Workload& changes);

// Runs the warm-up to its end: all its bytes delivered, all its completions read.
Result<void> warm_up(Actors& actors, const model::Spec& spec);

}  // namespace netio::app
