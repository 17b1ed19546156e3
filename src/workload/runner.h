// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "base/result.h"
#include "model/workload.h"
#include "workload/endpoint.h"
#include "workload/line_channel.h"

namespace netio::workload {

// What a run is controlled by. Without a control connection it goes through the phases by itself; with one it follows
// the parent's commands and keeps its sockets open until "exit".
//
//   to the parent     {"event":"listening","port":P}                          server only
//                     {"event":"connected","pid":P,"threads":[T...]}          all connections made, all workers exist
//                     {"event":"warm"}                                        warm-up over, nothing under way
//                     {"event":"finished","result":{WorkloadResult}}
//                     {"event":"error","what":"","why":"","advice":"","code":N}   instead of any of them; then it ends
//   from the parent   {"command":"warm-up"} {"command":"measure"} {"command":"stop"} {"command":"exit"}
struct RunOptions {
    LineChannel* control = nullptr;
    int interrupts = -1;                 // a descriptor that is readable when the user wants the phase to end early
    std::function<void()> on_interrupt;  // called for each such wish; has to make the descriptor unreadable
};

struct RunOutcome {
    model::WorkloadResult result;
    bool interrupted = false;
};

// Runs `endpoint` to its end. An error: it failed before the measured phase, the user interrupted it before there was
// anything to end early, or the parent is gone. A failure in the measured phase stands in result.failure.
Result<RunOutcome> run(Endpoint& endpoint, const RunOptions& options);

// Sends the "error" event.
void report_error(LineChannel& control, const Error& error);

}  // namespace netio::workload
