// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/vocabulary.h"
#include "model/workload.h"
#include "workload/endpoint.h"

// What netio-server and netio-client share: the words of their options, their messages, their ending.

namespace netio::app {

// The arguments of a program whose options are declared in `cli`. Nothing: go on; else exit with this code, help or the
// error having been printed.
std::optional<int> parse_arguments(CLI::App& cli, int argc, char** argv);

// Errors name the option and, for a mode, the nearest one.
Result<model::CopyMode> parse_mode(const std::string& text);
Result<std::uint64_t> parse_message_size(const std::string& text);
Result<std::chrono::nanoseconds> parse_time(const std::string& option, const std::string& text);

struct ProgramOptions {
    std::string name;     // stands before errors
    int control_fd = -1;  // of a parent process that controls the run
    bool json = false;
    // Says on stderr what has been started; not called under a parent's control.
    std::function<void(const workload::Endpoint&)> on_start;
};

// Starts an endpoint with `start`, runs it to its end, prints the result. Returns the exit code.
int run_program(const ProgramOptions& options,
                const std::function<Result<std::unique_ptr<workload::Endpoint>>()>& start);

// Prints "name: what: why; try: advice" to stderr and returns the error's exit code.
int print_error(const std::string& name, const Error& error);

}  // namespace netio::app
