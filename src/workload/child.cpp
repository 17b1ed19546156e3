// SPDX-License-Identifier: MIT
#include "workload/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "base/text.h"
#include "workload/spawn.h"

namespace netio::workload {
namespace {

constexpr std::chrono::milliseconds reap_patience{2000};
constexpr std::size_t kept_error_bytes = 4096;

using Clock = std::chrono::steady_clock;

int milliseconds_until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

std::string status_text(int status) {
    if (WIFSIGNALED(status)) {
        const char* name = ::sigabbrev_np(WTERMSIG(status));
        return "was killed by SIG" + std::string(name != nullptr ? name : std::to_string(WTERMSIG(status)));
    }
    return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

Unexpected error_from_event(const std::string& program, const model::Json& event) {
    const auto code = event.find("code");
    const bool has_code = code != event.end() && code->is_number_integer();
    return fail(program + ": " + text_at(event, "what"), text_at(event, "why"), text_at(event, "advice"),
                has_code ? static_cast<ExitCode>(code->get<int>()) : ExitCode::incomplete);
}

}  // namespace

Result<Child> Child::spawn(const ChildOptions& options) {
    int control[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) {
        return fail_errno("cannot make a control connection", errno);
    }
    Fd ours(control[0]);
    Fd theirs(control[1]);
    int errors[2];
    if (::pipe2(errors, O_CLOEXEC) != 0) {
        return fail_errno("cannot make a pipe", errno);
    }
    Fd errors_read(errors[0]);
    Fd errors_write(errors[1]);
    ::fcntl(errors_read.get(), F_SETFL, O_NONBLOCK);
    auto pid = spawn_program(options, theirs.get(), errors_write.get());
    if (!pid) {
        return Unexpected{pid.error()};
    }
    return Child(options.program.filename().string(), *pid, std::move(ours), std::move(errors_read));
}

Child::Child(std::string name, pid_t pid, Fd control, Fd errors)
    : name_(std::move(name)), pid_(pid), control_(std::move(control)), errors_(std::move(errors)) {}

// The moved-from object has nothing to kill.
Child::Child(Child&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      control_(std::move(other.control_)),
      errors_(std::move(other.errors_)),
      error_text_(std::move(other.error_text_)),
      status_(other.status_) {}

Result<model::Json> Child::wait_event(std::string_view expected, std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (true) {
        auto event = take_event(expected);
        if (!event) {
            return Unexpected{event.error()};
        }
        if (*event) {
            return **std::move(event);
        }
        if (control_.closed()) {
            return death();
        }
        std::array<pollfd, 2> sources{{{control_.fd(), POLLIN, 0}, {errors_.get(), POLLIN, 0}}};
        if (::poll(sources.data(), sources.size(), milliseconds_until(deadline)) == 0) {
            return fail(name_ + " did not get to '" + std::string(expected) + "' in time",
                        "it was given " + format_duration(timeout));
        }
        read_errors();
        control_.fill();
    }
}

Result<std::optional<model::Json>> Child::take_event(std::string_view expected) {
    auto event = control_.next();
    if (!event || !*event) {
        return event;
    }
    const std::string name = text_at(**event, "event");
    if (name == "error") {
        return error_from_event(name_, **event);
    }
    if (name != expected) {
        return fail(name_ + " got to '" + name + "' where '" + std::string(expected) + "' was due");
    }
    return event;
}

Result<void> Child::command(std::string_view name) {
    auto sent = control_.send({{"command", name}});
    if (!sent) {
        return why_gone();
    }
    return sent;
}

// What it reported last, before it closed its end; else how it ended.
Unexpected Child::why_gone() {
    control_.fill();
    for (auto event = control_.next(); event && *event; event = control_.next()) {
        if (text_at(**event, "event") == "error") {
            return error_from_event(name_, **event);
        }
    }
    return death();
}

Unexpected Child::death() {
    if (!wait_exit(reap_patience)) {
        return fail(name_ + " closed its control connection but did not end");
    }
    read_errors();
    return fail(name_ + " " + status_text(*status_), last_error_line(), "run it by hand to see more");
}

void Child::read_errors() {
    char buffer[1024];
    ssize_t got = 0;
    while (errors_.valid() && (got = ::read(errors_.get(), buffer, sizeof buffer)) > 0) {
        error_text_.append(buffer, static_cast<std::size_t>(got));
    }
    if (got == 0) {
        errors_.reset();  // closed at the other end: poll(2) would report it for ever
    }
    if (error_text_.size() > kept_error_bytes) {
        error_text_.erase(0, error_text_.size() - kept_error_bytes);
    }
}

std::string Child::last_error_line() const {
    const std::string text = trim(error_text_);
    const std::size_t line_break = text.rfind('\n');
    return line_break == std::string::npos ? text : text.substr(line_break + 1);
}

// A process has no descriptor on every kernel in question (pidfd_open(2) is 5.3), and ends within microseconds when it
// ends at all: asking every millisecond is enough.
bool Child::wait_exit(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (pid_ > 0 && !status_) {
        int status = 0;
        const pid_t reaped = ::waitpid(pid_, &status, WNOHANG);
        if (reaped == pid_ || (reaped < 0 && errno == ECHILD)) {
            status_ = reaped == pid_ ? status : 0;
        } else if (Clock::now() >= deadline) {
            return false;
        } else {
            ::poll(nullptr, 0, 1);
        }
    }
    return true;
}

void Child::kill_now() {
    if (pid_ <= 0 || status_) {
        return;
    }
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    status_ = status;
}

Result<std::filesystem::path> find_program(const std::string& name) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    std::vector<std::filesystem::path> folders;
    if (!error) {
        folders.push_back(self.parent_path());
    }
    const char* path = std::getenv("PATH");
    for (const std::string& folder : split(path != nullptr ? path : "", ':')) {
        folders.emplace_back(folder);
    }
    for (const auto& folder : folders) {
        const auto candidate = folder / name;
        if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0 &&
            std::filesystem::is_regular_file(candidate, error)) {
            return candidate;
        }
    }
    return fail(name + " was not found", "it stands neither beside this program nor in PATH",
                "the folder of the build, or meson install");
}

}  // namespace netio::workload
