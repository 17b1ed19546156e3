// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace netio::provoke {

// Stops a child process while it lives. What was waiting in a receive call has left it by then, and calls anew
// afterwards (signal(7), "Interruption of system calls and library functions by stop signals"): what changes a socket's
// way to receive must not find a call that goes the old way.
class Standstill {
 public:
    // Returns when all threads of the child stand still. Errors: it is no child, or has ended.
    static Result<Standstill> of(pid_t child);

    Standstill(Standstill&& other) noexcept;
    Standstill& operator=(Standstill&&) = delete;
    Standstill(const Standstill&) = delete;
    Standstill& operator=(const Standstill&) = delete;
    ~Standstill();

 private:
    explicit Standstill(pid_t child) : child_(child) {}

    pid_t child_;  // 0: moved from
};

}  // namespace netio::provoke
