// SPDX-License-Identifier: MIT
#include "provoke/standstill.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

namespace netio::provoke {

Result<Standstill> Standstill::of(pid_t child) {
    if (::kill(child, SIGSTOP) != 0) {
        return fail_errno("cannot stop a process of the run", errno);
    }
    Standstill stopped(child);
    siginfo_t news{};
    // How a child ended is left to be told to whoever owns it.
    while (::waitid(P_PID, static_cast<id_t>(child), &news, WSTOPPED | WEXITED | WNOWAIT) != 0) {
        if (errno != EINTR) {
            return fail_errno("cannot wait until a process of the run stands still", errno);
        }
    }
    if (news.si_code != CLD_STOPPED) {
        return fail("a process of the run ended while it was being stopped");
    }
    return stopped;
}

Standstill::Standstill(Standstill&& other) noexcept : child_(std::exchange(other.child_, 0)) {}

Standstill::~Standstill() {
    if (child_ != 0) {
        ::kill(child_, SIGCONT);
    }
}

}  // namespace netio::provoke
