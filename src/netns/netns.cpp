// SPDX-License-Identifier: MIT
#include "netns/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

namespace netio::netns {

namespace {

constexpr const char* needs_admin = "creating a network namespace needs CAP_SYS_ADMIN; try sudo";

Unexpected unshare_error(int error_number) {
    switch (error_number) {
        case EPERM:
            return fail_errno("cannot create a network namespace", error_number, needs_admin, ExitCode::privilege);
        case EINVAL:
            return fail_errno("cannot create a network namespace", error_number,
                              "use a kernel built with CONFIG_NET_NS", ExitCode::privilege);
        case ENOSPC:
            return fail_errno("cannot create a network namespace", error_number,
                              "raise the sysctl user.max_net_namespaces", ExitCode::privilege);
        default:
            return fail_errno("cannot create a network namespace", error_number);
    }
}

Unexpected process_error(pid_t pid, int error_number) {
    std::string what = fmt::format("cannot open the network namespace of process {}", pid);
    switch (error_number) {
        case ENOENT:
            return fail_errno(std::move(what), error_number, "check that the process is still running");
        case EACCES:
        case EPERM:
            return fail_errno(std::move(what), error_number,
                              "looking into another user's process needs CAP_SYS_PTRACE; try sudo",
                              ExitCode::privilege);
        default:
            return fail_errno(std::move(what), error_number);
    }
}

Unexpected path_error(const std::string& path, int error_number) {
    std::string what = fmt::format("cannot open the network namespace {}", path);
    if (error_number == EACCES || error_number == EPERM) {
        return fail_errno(std::move(what), error_number, "try sudo", ExitCode::privilege);
    }
    return fail_errno(std::move(what), error_number, "`ls /run/netns` has those with a name", ExitCode::usage);
}

// A thread of its own is the only place where a namespace may change without others noticing: unshare(2) and setns(2)
// act on the calling thread alone.
Result<void> in_fresh_thread(const std::function<Result<void>()>& task) {
    Result<void> result;
    std::exception_ptr thrown;
    try {
        std::thread thread([&] {
            try {
                result = task();
            } catch (...) {
                thrown = std::current_exception();
            }
        });
        thread.join();
    } catch (const std::system_error& error) {
        return fail_errno("cannot start a thread", error.code().value(), "raise the limit of processes (ulimit -u)");
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    return result;
}

}  // namespace

Result<Namespace> Namespace::owning(Fd fd) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return fail_errno("cannot identify a network namespace", errno);
    }
    return Namespace(std::move(fd), status.st_ino);
}

Result<Namespace> Namespace::create() {
    std::optional<Result<Namespace>> made;
    auto ran = in_fresh_thread([&]() -> Result<void> {
        if (::unshare(CLONE_NEWNET) != 0) {
            return unshare_error(errno);
        }
        Fd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        if (!fd.valid()) {
            return fail_errno("cannot open /proc/thread-self/ns/net", errno, "mount /proc");
        }
        made = owning(std::move(fd));
        return {};
    });
    if (!ran) {
        return Unexpected(ran.error());
    }
    return std::move(*made);
}

Result<Namespace> Namespace::of_process(pid_t pid) {
    Fd fd(::open(fmt::format("/proc/{}/ns/net", pid).c_str(), O_RDONLY | O_CLOEXEC));
    return fd.valid() ? owning(std::move(fd)) : process_error(pid, errno);
}

Result<Namespace> Namespace::at_path(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) {
        return path_error(path, errno);
    }
    // Since Linux 4.11 the file says what kind of namespace it is (ioctl_ns(2)); any other file knows no such request.
    if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
        return fail(fmt::format("cannot use {}", path), "it is no network namespace",
                    "a file of /run/netns, /proc/<pid>/ns/net, or the number of a process", ExitCode::usage);
    }
    return owning(std::move(fd));
}

Result<Namespace> Namespace::duplicate(const Namespace& other) {
    Fd fd(::fcntl(other.fd(), F_DUPFD_CLOEXEC, 0));
    return fd.valid() ? owning(std::move(fd)) : fail_errno("cannot hold a network namespace", errno);
}

Result<void> Namespace::enter() const {
    if (::setns(fd(), CLONE_NEWNET) == 0) {
        return {};
    }
    const int error_number = errno;
    if (error_number == EPERM) {
        return fail_errno("cannot enter a network namespace", error_number,
                          "entering a network namespace needs CAP_SYS_ADMIN; try sudo", ExitCode::privilege);
    }
    return fail_errno("cannot enter a network namespace", error_number);
}

Result<void> Namespace::run(const std::function<Result<void>()>& task) const {
    return in_fresh_thread([&]() -> Result<void> {
        if (auto entered = enter(); !entered) {
            return entered;
        }
        return task();
    });
}

}  // namespace netio::netns
