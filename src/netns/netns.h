// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace netio::netns {

// Owns a handle of a network namespace (namespaces(7)). A namespace made here has no name anywhere: it lives as long as
// a descriptor, a process or a socket refers to it, so that even kill -9 of the owner removes it with all its devices.
class Namespace {
 public:
    // A new, empty namespace whose loopback is down. The calling thread stays where it is.
    // Errors: ExitCode::privilege without CAP_SYS_ADMIN or without CONFIG_NET_NS.
    static Result<Namespace> create();
    // The namespace that process (or thread) `pid` is in. Errors: no such process, or not permitted to look.
    static Result<Namespace> of_process(pid_t pid);
    // The namespace that a file stands for: one of /run/netns (ip-netns(8)), or of /proc/<pid>/ns. Errors:
    // ExitCode::usage for a file that is none; no such file, or not permitted.
    static Result<Namespace> at_path(const std::string& path);

    // The same namespace, held once more.
    static Result<Namespace> duplicate(const Namespace& other);

    // Stays valid as long as this object; close-on-exec.
    int fd() const { return fd_.get(); }
    // Tells namespaces apart, as "net:[inode]" in /proc/<pid>/ns/net does.
    std::uint64_t inode() const { return inode_; }

    // Calls `task` in a fresh thread that has entered the namespace, and waits for it. Sockets that the task opens
    // belong to the namespace for good and may be used by any thread; a child that it forks starts inside. Such a child
    // must not set PR_SET_PDEATHSIG: the signal comes when the *thread* that forked it ends, which is at once
    // (prctl(2)). Result: the task's own, or why the namespace could not be entered. An exception of the task is thrown
    // again here.
    Result<void> run(const std::function<Result<void>()>& task) const;
    // Moves the calling thread into the namespace for good; meant for a child between fork and exec.
    Result<void> enter() const;

 private:
    Namespace(Fd fd, std::uint64_t inode) : fd_(std::move(fd)), inode_(inode) {}
    static Result<Namespace> owning(Fd fd);

    Fd fd_;
    std::uint64_t inode_;
};

}  // namespace netio::netns
