// SPDX-License-Identifier: MIT
#include "provoke/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"

namespace netio::provoke {

namespace {

// Runs in the child: reports 0 or an errno through the pipe, then serves until it is killed.
[[noreturn]] void live(const char* name, int report, pid_t parent, const std::function<int()>& prepare,
                       const std::function<void()>& serve) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, name);
    ::setpgid(0, 0);
    const int error = ::getppid() == parent ? prepare() : ESRCH;
    [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
    ::close(report);
    if (error == 0) {
        serve();
    }
    ::_exit(1);
}

}  // namespace

Result<Helper> Helper::start(const char* name, const std::string& what, const std::function<int()>& prepare,
                             const std::function<void()>& serve) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail_errno("cannot make a pipe", errno);
    }
    const Fd reader(ends[0]);
    Fd writer(ends[1]);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return fail_errno("cannot start a process", errno);
    }
    if (pid == 0) {
        live(name, writer.get(), parent, prepare, serve);
    }
    Helper helper(pid);
    writer.reset();
    int error = EPIPE;
    if (::read(reader.get(), &error, sizeof error) != sizeof error || error != 0) {
        return fail_errno(what, error, {}, ExitCode::privilege);
    }
    return helper;
}

Helper::~Helper() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

}  // namespace netio::provoke
