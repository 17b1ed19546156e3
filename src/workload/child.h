// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/json.h"
#include "workload/line_channel.h"

namespace netio::workload {

struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct ChildOptions {
    std::filesystem::path program;
    std::vector<std::string> arguments;  // without the program's name and without --control-fd
    int network_namespace = -1;          // a descriptor of the namespace to run in; -1: the caller's
    std::optional<Identity> identity;    // drop to this user and group, and to no supplementary groups
    std::uint64_t memlock_bytes = 0;     // RLIMIT_MEMLOCK, soft and hard; 0: inherited
};

// A workload program that this process started, controls (see RunOptions), and takes with it when it ends.
class Child {
 public:
    // Spawn from the main thread only: the child asks to be killed when its parent dies, and to prctl(2)
    // PR_SET_PDEATHSIG the parent is the thread that forked. The child is in a process group of its own, so that a
    // Ctrl-C on the terminal reaches only the caller, who can end the phase in good order. Errors: the step that
    // failed.
    static Result<Child> spawn(const ChildOptions& options);
    Child(Child&& other) noexcept;
    Child& operator=(Child&&) = delete;
    // Kills and reaps.
    ~Child() { kill_now(); }

    pid_t pid() const { return pid_; }
    // Waits for the event named `expected`. Errors: the child reported one, it ended (how, and its last line on
    // stderr), another event came, or none within `timeout`.
    Result<model::Json> wait_event(std::string_view expected, std::chrono::milliseconds timeout);
    // "warm-up", "measure", "stop" or "exit". Errors: as of wait_event, where the child does not listen any more.
    Result<void> command(std::string_view name);
    // Waits for the end; true once it has ended and been reaped.
    bool wait_exit(std::chrono::milliseconds timeout);
    void kill_now();
    // Readable when an event, or the end, can be waited for without delay.
    int control_fd() const { return control_.fd(); }

 private:
    Child(std::string name, pid_t pid, Fd control, Fd errors);
    Result<std::optional<model::Json>> take_event(std::string_view expected);
    Unexpected why_gone();
    Unexpected death();
    void read_errors();
    std::string last_error_line() const;

    std::string name_;
    pid_t pid_;
    LineChannel control_;
    Fd errors_;  // the child's stderr
    std::string error_text_;
    std::optional<int> status_;  // of waitpid(2), once reaped
};

// The program `name`: beside this program (/proc/self/exe), else in PATH.
Result<std::filesystem::path> find_program(const std::string& name);

}  // namespace netio::workload
