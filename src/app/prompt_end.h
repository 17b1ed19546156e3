// SPDX-License-Identifier: MIT
#pragma once

namespace netio::app {

// While it lives, SIGINT and SIGTERM end this process at once, even inside a long system call: one line on stderr that
// names the signal and the phase, and exit code 128 + the signal's number. For the phases of a run that have nothing to
// show yet. What a run has made by then (namespaces, child processes, BPF programs) ends with its process, so nothing
// has to be taken down first. One at a time.
class PromptEnd {
 public:
    // `name` stands before the line; what phase() is given has to last as long: string literals.
    explicit PromptEnd(const char* name);
    PromptEnd(const PromptEnd&) = delete;
    PromptEnd& operator=(const PromptEnd&) = delete;
    // The signals have their default action again.
    ~PromptEnd();

    // What is going on: "warming up".
    void phase(const char* doing);
};

}  // namespace netio::app
