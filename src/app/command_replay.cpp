// SPDX-License-Identifier: MIT
#include "app/commands.h"
#include "base/files.h"
#include "model/json.h"

namespace netio::app {

namespace {

// The file is what --json wrote; the facts stand under "capture", or are the whole of it.
Result<model::Capture> read_capture(const std::string& path) {
    const auto text = read_file(path);
    if (!text) {
        return fail(path + " cannot be replayed", text.error().why, "a file written by netio-trace --json FILE",
                    ExitCode::usage);
    }
    const auto json = model::Json::parse(*text, nullptr, false);
    if (json.is_discarded() || !json.is_object()) {
        return fail(path + " cannot be replayed", "it is no JSON object", "a file written by netio-trace --json FILE",
                    ExitCode::usage);
    }
    auto capture = model::capture_from_json(json.contains("capture") ? json["capture"] : json);
    if (!capture) {
        capture.error().what = path + " cannot be replayed: " + capture.error().what;
        capture.error().code = ExitCode::usage;
    }
    return capture;
}

}  // namespace

Command declare_replay(CLI::App& cli) {
    auto path = std::make_shared<std::string>();
    auto outputs = std::make_shared<Outputs>();
    cli.add_option("FILE", *path, "What `netio-trace --json FILE` wrote")->required();
    declare_outputs(cli, *outputs);
    return [path, outputs]() -> Result<int> {
        const auto capture = read_capture(*path);
        if (!capture) {
            return tl::make_unexpected(capture.error());
        }
        return print_report(*capture, *outputs);
    };
}

}  // namespace netio::app
