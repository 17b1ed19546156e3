// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "app/commands.h"
#include "base/files.h"
#include "explain/explain.h"
#include "report/csv.h"
#include "report/folded.h"
#include "report/json.h"
#include "report/style.h"
#include "report/terminal.h"

namespace netio::app {

Result<void> put(const std::string& target, const std::string& text) {
    if (target != standard_output) {
        return write_file(target, text);
    }
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        return fail("the output cannot be written", "stdout does not take it");
    }
    return {};
}

CLI::Option* declare_output(CLI::App& cli, const std::string& name, std::string& target, const std::string& what) {
    return cli.add_option(name, target, what)->expected(0, 1)->default_str(standard_output)->type_name("[FILE]");
}

void declare_outputs(CLI::App& cli, Outputs& outputs) {
    declare_output(cli, "--json", outputs.json,
                   "Write everything as JSON to FILE; without FILE to stdout, instead of the report");
    declare_output(cli, "--csv", outputs.csv,
                   "Write one row of figures as CSV to FILE; without FILE to stdout, instead of the report");
    declare_output(cli, "--folded", outputs.folded,
                   "Write the call stacks of the profile to FILE, folded as flame graphs take them; without FILE to "
                   "stdout, instead of the report");
    cli.add_flag("--evidence", outputs.evidence,
                 "Show what each cause was concluded from: call stacks, devices, errors, limits, both sides of every "
                 "balance, and what was read of counters that were scaled");
}

Result<void> check_output(const std::string& target) {
    if (target.empty() || target == standard_output) {
        return {};
    }
    const std::filesystem::path path(target);
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (std::filesystem::is_directory(path)) {
        return fail("cannot write " + target, "it is a folder", "name a file", ExitCode::usage);
    }
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
        return fail_errno("cannot write " + target, errno, "name a file in a folder that can be written",
                          ExitCode::usage);
    }
    return {};
}

Result<void> check_outputs(const Outputs& outputs) {
    return check_output(outputs.json).and_then([&] { return check_output(outputs.csv); }).and_then([&] {
        return check_output(outputs.folded);
    });
}

ExitCode exit_code_of(const model::Report& report) {
    if (model::is_refused(report.spec, report.coverage)) {
        return ExitCode::privilege;
    }
    return report.complete ? ExitCode::ok : ExitCode::incomplete;
}

namespace {

Result<void> put_stacks(const model::Capture& capture, const std::string& target) {
    if (!capture.profile) {
        return fail("--folded " + target, "this run was made without a profile", "netio-trace --profile",
                    ExitCode::usage);
    }
    return put(target, report::render_folded(*capture.profile));
}

}  // namespace

Result<int> print_report(const model::Capture& capture, const Outputs& outputs) {
    const model::Report report = explain::build_report(capture);
    if (!outputs.json.empty()) {
        if (auto put_json = put(outputs.json, report::render_json(report, capture)); !put_json) {
            return tl::make_unexpected(put_json.error());
        }
    }
    if (!outputs.csv.empty()) {
        if (auto put_csv = put(outputs.csv, report::render_csv(report)); !put_csv) {
            return tl::make_unexpected(put_csv.error());
        }
    }
    if (!outputs.folded.empty()) {
        if (auto put_folded = put_stacks(capture, outputs.folded); !put_folded) {
            return tl::make_unexpected(put_folded.error());
        }
    }
    if (outputs.json != standard_output && outputs.csv != standard_output && outputs.folded != standard_output) {
        const auto depth = outputs.evidence ? report::Depth::evidence : report::Depth::summary;
        const auto style = report::detect_style(STDOUT_FILENO, [](const char* name) { return std::getenv(name); });
        if (auto put_text = put(standard_output, report::render_terminal(report, style, depth)); !put_text) {
            return tl::make_unexpected(put_text.error());
        }
    }
    return static_cast<int>(exit_code_of(report));
}

}  // namespace netio::app
