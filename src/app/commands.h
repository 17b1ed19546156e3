// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/report.h"

// The commands of netio-trace. Each declares its options on a CLI::App and returns what runs it.

namespace netio::app {

using Command = std::function<Result<int>()>;

// As the name of a file: stdout.
inline constexpr const char* standard_output = "-";
// An option that names a file to write; without a value it means stdout.
CLI::Option* declare_output(CLI::App& cli, const std::string& name, std::string& target, const std::string& what);
// Writes a file, or to stdout.
Result<void> put(const std::string& target, const std::string& text);

// Whether put() can write there, asked before a measurement that would be lost.
Result<void> check_output(const std::string& target);

// Where a report goes besides, or instead of, the terminal. "-" is stdout and takes the terminal report's place.
struct Outputs {
    std::string json;
    std::string csv;
    std::string folded;  // call stacks of a profile
    bool evidence = false;
};

void declare_outputs(CLI::App& cli, Outputs& outputs);
// check_output() of them all.
Result<void> check_outputs(const Outputs& outputs);
// What a report means for a script: measured, incomplete, or refused by the kernel.
ExitCode exit_code_of(const model::Report& report);
// Renders the report of a capture to where it was asked for. Returns the exit code that follows from the report.
Result<int> print_report(const model::Capture& capture, const Outputs& outputs);

Command declare_run(CLI::App& cli);
Command declare_doctor(CLI::App& cli);
Command declare_replay(CLI::App& cli);
Command declare_causes(CLI::App& cli);
Command declare_explain(CLI::App& cli);
Command declare_sweep(CLI::App& cli);

// Whether namespaces can be made here. Errors: ExitCode::privilege.
Result<void> check_machine();

}  // namespace netio::app
