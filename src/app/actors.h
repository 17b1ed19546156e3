// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "app/experiment.h"
#include "perf/counters.h"
#include "provoke/scenario.h"
#include "workload/child.h"

namespace netio::app {

// The two workload processes of a run.
struct Actors {
    workload::Child server;
    std::optional<workload::Child> client;     // none: it is somebody else's (--path remote)
    std::vector<perf::CountedThread> threads;  // of both, all of them

    // Those that are this run's, the client first.
    std::vector<workload::Child*> children();
};

// Starts both in their namespaces and waits until every connection is made and every thread exists.
Result<Actors> start_actors(const model::Spec& spec, const provoke::Network& network, const provoke::Workload& changes);

// Starts the server alone, has the receiver invited, and waits for it. Errors: besides the server's own, that nobody
// came, with the command that would have.
Result<Actors> start_sender(const ExperimentOptions& options, const provoke::Network& network);

// Runs the warm-up to its end: all its bytes delivered, all its completions read.
Result<void> warm_up(Actors& actors, const model::Spec& spec);

}  // namespace netio::app
