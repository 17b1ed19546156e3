// SPDX-License-Identifier: MIT
#include "workload/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

namespace netio::workload {
namespace {

// What the child says through a pipe when it cannot become the program; execv(2) closes the pipe and so says nothing.
enum class Step : int { own_group, enter_namespace, limit_memory, drop_identity, follow_parent, redirect, execute };
struct Refusal {
    Step step;
    int error;
};

std::string step_text(Step step, const std::string& program) {
    static constexpr std::array<const char*, 6> texts{"cannot give the child its own process group",
                                                      "cannot enter the network namespace",
                                                      "cannot limit the memory that the child may lock",
                                                      "cannot drop to the user asked for",
                                                      "cannot tie the child to its parent",
                                                      "cannot redirect the child's output"};
    return step == Step::execute ? "cannot run " + program : texts.at(static_cast<std::size_t>(step));
}

// Between fork(2) and execv(2) of a process that may have threads only async-signal-safe calls are allowed: nothing in
// this class allocates, and all memory is made before.
class ChildSide {
 public:
    ChildSide(const ChildOptions& options, int control, int errors, int report, pid_t parent)
        : options_(options), control_(control), errors_(errors), report_(report), parent_(parent) {}

    [[noreturn]] void run(char* const* arguments) {
        restore_signals();
        if (::setpgid(0, 0) != 0) {
            give_up(Step::own_group);
        }
        if (options_.network_namespace >= 0 && ::setns(options_.network_namespace, CLONE_NEWNET) != 0) {
            give_up(Step::enter_namespace);
        }
        const int program = ::open(arguments[0], O_RDONLY | O_CLOEXEC);
        if (program < 0) {
            give_up(Step::execute);
        }
        limit_memory();
        drop_identity();
        follow_parent();
        redirect();
        ::execv(arguments[0], arguments);
        // The user dropped to may not be allowed to enter the program's folder. Before Linux 6.14 a process that is
        // started by a descriptor is named by its number, so this comes second.
        ::fexecve(program, arguments, environ);
        give_up(Step::execute);
    }

 private:
    [[noreturn]] void give_up(Step step) {
        const Refusal refusal{step, errno};
        [[maybe_unused]] const ssize_t written = ::write(report_, &refusal, sizeof refusal);
        ::_exit(127);
    }

    // The parent may watch its signals through a signalfd; the program decides for itself.
    static void restore_signals() {
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::signal(SIGINT, SIG_DFL);
        ::signal(SIGTERM, SIG_DFL);
        ::signal(SIGPIPE, SIG_DFL);
    }

    void limit_memory() {
        const rlimit limit{options_.memlock_bytes, options_.memlock_bytes};
        if (options_.memlock_bytes != 0 && ::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
            give_up(Step::limit_memory);
        }
    }

    void drop_identity() {
        if (!options_.identity) {
            return;
        }
        if (::setgroups(0, nullptr) != 0 || ::setgid(options_.identity->gid) != 0 ||
            ::setuid(options_.identity->uid) != 0) {
            give_up(Step::drop_identity);
        }
    }

    // After the change of user, which clears the setting. A parent that died before is not reported any more.
    void follow_parent() {
        if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
            give_up(Step::follow_parent);
        }
        if (::getppid() != parent_) {
            ::_exit(127);
        }
    }

    void redirect() {
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(null, STDOUT_FILENO) < 0 ||
            ::dup2(errors_, STDERR_FILENO) < 0 || ::fcntl(control_, F_SETFD, 0) != 0) {
            give_up(Step::redirect);
        }
    }

    const ChildOptions& options_;
    int control_;
    int errors_;
    int report_;
    pid_t parent_;
};

std::vector<std::string> argument_list(const ChildOptions& options, int control) {
    std::vector<std::string> arguments{options.program.string()};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    arguments.insert(arguments.end(), {"--control-fd", std::to_string(control)});
    return arguments;
}

// Waits until execv(2) has closed the pipe, or takes what the child could not do.
std::optional<Refusal> await_refusal(int report) {
    Refusal refusal{};
    ssize_t got = 0;
    do {
        got = ::read(report, &refusal, sizeof refusal);
    } while (got < 0 && errno == EINTR);
    return got == sizeof refusal ? std::optional(refusal) : std::nullopt;
}

std::vector<char*> pointers_to(std::vector<std::string>& arguments) {
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

Result<pid_t> spawn_program(const ChildOptions& options, int control, int errors) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) {
        return fail_errno("cannot make a pipe", errno);
    }
    const Fd report_read(pipe[0]);
    Fd report_write(pipe[1]);
    std::vector<std::string> arguments = argument_list(options, control);
    const std::vector<char*> pointers = pointers_to(arguments);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return fail_errno("cannot start a process", errno);
    }
    if (pid == 0) {
        ChildSide(options, control, errors, report_write.get(), parent).run(pointers.data());
    }
    report_write.reset();
    if (const auto refusal = await_refusal(report_read.get())) {
        ::waitpid(pid, nullptr, 0);
        return fail_errno(step_text(refusal->step, options.program.string()), refusal->error);
    }
    return pid;
}

}  // namespace netio::workload
