// SPDX-License-Identifier: MIT
#include "workload/interrupts.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace netio::workload {

Result<Interrupts> Interrupts::block() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd.valid()) {
        return fail_errno("cannot watch for SIGINT", errno);
    }
    return Interrupts(std::move(fd), signals);
}

bool Interrupts::acknowledge() {
    signalfd_siginfo ignored{};
    const ssize_t taken = ::read(fd_.get(), &ignored, sizeof ignored);
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    return taken > 0;
}

}  // namespace netio::workload
