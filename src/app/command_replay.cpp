// SPDX-License-Identifier: MIT
#include <string>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/compare.h"
#include "base/files.h"
#include "model/json.h"

namespace netio::app {

namespace {

constexpr const char* advice = "a file written by netio-trace --json FILE";

Result<model::Json> read_object(const std::string& path) {
    const auto text = read_file(path);
    if (!text) {
        return fail(path + " cannot be replayed", text.error().why, advice, ExitCode::usage);
    }
    auto json = model::Json::parse(*text, nullptr, false);
    if (json.is_discarded() || !json.is_object()) {
        return fail(path + " cannot be replayed", "it is no JSON object", advice, ExitCode::usage);
    }
    return json;
}

// The facts stand under "capture", or are the whole of it.
Result<model::Capture> read_capture(const std::string& path, const model::Json& json) {
    auto capture = model::capture_from_json(json.is_object() && json.contains("capture") ? json.at("capture") : json);
    if (!capture) {
        capture.error().what = path + " cannot be replayed: " + capture.error().what;
        capture.error().code = ExitCode::usage;
    }
    return capture;
}

Result<int> replay_runs(const std::string& path, const model::Json& json, const Outputs& outputs) {
    if (!outputs.folded.empty() || outputs.evidence) {
        return fail(path + " holds the runs of a comparison", "--folded and --evidence are of one run",
                    "leave them out", ExitCode::usage);
    }
    std::vector<model::Capture> captures;
    for (const model::Json& run : json.at("runs")) {
        auto capture = read_capture(path, run);
        if (!capture) {
            return Unexpected(capture.error());
        }
        captures.push_back(std::move(*capture));
    }
    const auto interrupted = json.find("interrupted");
    const bool ended_early = interrupted != json.end() && interrupted->is_string();
    return replay_comparison(captures, ended_early ? interrupted->get<std::string>() : std::string(), outputs);
}

Result<int> replay(const std::string& path, const Outputs& outputs) {
    const auto json = read_object(path);
    if (!json) {
        return Unexpected(json.error());
    }
    if (json->contains("runs") && json->at("runs").is_array()) {
        return replay_runs(path, *json, outputs);
    }
    const auto capture = read_capture(path, *json);
    return capture ? print_report(*capture, outputs) : Unexpected(capture.error());
}

}  // namespace

Command declare_replay(CLI::App& cli) {
    auto path = std::make_shared<std::string>();
    auto outputs = std::make_shared<Outputs>();
    cli.add_option("FILE", *path, "What `netio-trace --json FILE` wrote")->required();
    declare_outputs(cli, *outputs);
    return [path, outputs] { return replay(*path, *outputs); };
}

}  // namespace netio::app
