// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"

// The built programs as their users run them: child processes with arguments, an exit code and what they print.

namespace netio::e2e {

using Arguments = std::vector<std::string>;

// No run of these tests needs a fraction of it: a program that is still there after this long hangs. An emulated
// machine is waited for longer.
std::chrono::seconds patience();

// Asks every few milliseconds until `condition` holds; false when it does not within patience().
bool becomes_true(const std::function<bool()>& condition);

// What a container's runtime, or an administrator, denies a program.
struct Confinement {
    bool as_nobody = false;
    std::vector<int> refused_calls;  // numbers of system calls that a seccomp filter answers with EPERM
};

struct Outcome {
    bool hung = false;  // had to be killed
    int exit_code = -1;
    int signal = 0;  // that ended it; 0: it exited
    std::string out;
    std::string err;
};

// A program of the build that runs. Killed with this object, and with the test.
class Program {
 public:
    // `name` is looked for beside the netio-trace that the environment variable NETIO_TRACE names.
    static Program start(const std::string& name, const Arguments& arguments, const Confinement& confinement = {});
    Program(Program&& other) noexcept;
    Program& operator=(Program&&) = delete;
    ~Program();

    pid_t pid() const { return pid_; }
    // Takes what it prints until stderr contains `text`. False when it ended, or hangs, without that.
    bool says(const std::string& text);
    const std::string& err() const { return outcome_.err; }
    // Takes what it prints until it ends, or kills it when it does not end in time.
    Outcome wait(std::chrono::seconds time = patience());

 private:
    Program(pid_t pid, Fd out, Fd err);
    bool read_some(std::chrono::milliseconds timeout);
    bool ended();
    void kill_and_reap();

    pid_t pid_;
    Fd out_;
    Fd err_;
    Outcome outcome_;
    bool reaped_ = false;
};

// How many of `messages` a test is to send: all of them, or the percentage that the environment variable
// NETIO_TEST_LOAD gives, which emulated machines are given.
std::uint64_t scaled(std::uint64_t messages);

Outcome run_trace(const Arguments& arguments, const Confinement& confinement = {});
Outcome run_trace(const Arguments& arguments, bool as_nobody);
// A command that makes so many runs one after the other.
Outcome run_trace_for(std::size_t runs, const Arguments& arguments);

// Whether a run ended by saying of itself that packets passed its probes unseen, and everything else balances. Linux
// 6.18 was seen to skip the programs of tracepoints now and then (docs/ARCHITECTURE.md); the promise that is tested is
// that such a run is never called complete.
bool says_probes_were_skipped(const Outcome& outcome);
bool report_says_probes_were_skipped(const nlohmann::json& report);
// Such a run is repeated: five in a row would be no accident. Each repetition is told, so that a rate that grows is
// seen.
inline constexpr int repetitions = 4;

// What `once` ends with; it is run again while the run itself says that the kernel skipped probes.
Outcome outcome_of(const std::string& what, const std::function<Outcome()>& once);
void tell_repetition(const std::string& what);

// Runs netio-trace with --json; requires the exit code and JSON on stdout.
nlohmann::json report_of(Arguments arguments, int exit_code = 0);
nlohmann::json parse_report(const Outcome& outcome);

// A folder that everybody may read, gone with this object.
class Folder {
 public:
    Folder();
    Folder(const Folder&) = delete;
    ~Folder();
    const std::string& path() const { return path_; }

 private:
    std::string path_;
};
// A file that a program wrote.
nlohmann::json json_in(const std::string& file);

// The only child of that name of a process; waits for it to come.
pid_t child_named(pid_t parent, const std::string& name);
std::vector<pid_t> children_of(pid_t parent);
std::string command_of(pid_t pid);
// A process that is a zombie has ended; who reaps it is not the run's concern.
bool is_running(pid_t pid);
bool is_stopped(pid_t pid);
// Whether a process keeps a signal from being delivered; true where that cannot be read.
bool blocks(pid_t pid, int signal);
// Waits until a process has used this much more processor time.
bool works(pid_t pid, std::chrono::milliseconds processor_time = std::chrono::milliseconds(500));
// The server of a run, in the middle of its transfer: after its client has come, all that it works is that.
pid_t working_server(pid_t trace);

// Finds the element of an array whose `key` is `value`; an empty object when there is none.
nlohmann::json element(const nlohmann::json& array, const std::string& key, const std::string& value);
// A figure of the report; fails the test where it is n/a.
std::uint64_t measured(const nlohmann::json& figure);
// Sum of the bytes that the sockets of a role counted at a site.
std::uint64_t site_bytes(const nlohmann::json& report, const std::string& role, const std::string& site);

// Every balance of the ledger is measured and without a difference.
void check_balances(const nlohmann::json& report);
// What the program handed over is what was asked for, and the receiver got all of it.
void check_payload(const nlohmann::json& report, std::uint64_t bytes);

}  // namespace netio::e2e
