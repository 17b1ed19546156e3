// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

#include "base/fd.h"
#include "base/result.h"

namespace netio::workload {

// SIGINT and SIGTERM as a descriptor that becomes readable (signalfd(2)). The first asks for an early end; after
// acknowledge() the next one kills as usual. Make it before the first thread: the others inherit the mask, so that no
// system call of theirs is interrupted.
class Interrupts {
 public:
    static Result<Interrupts> block();
    int fd() const { return fd_.get(); }
    // Whether there was one.
    bool acknowledge();

 private:
    Interrupts(Fd fd, const sigset_t& signals) : fd_(std::move(fd)), signals_(signals) {}
    Fd fd_;
    sigset_t signals_;
};

}  // namespace netio::workload
