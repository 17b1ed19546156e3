// SPDX-License-Identifier: MIT
#include "model/json.h"

#include <fmt/format.h>

#include "model/json_reader.h"
#include "model/json_report_fields.h"
#include "model/json_writer.h"

namespace netio::model {
namespace {

// schema_version stands first, so that a person and a stream reader meet it before anything that depends on it.
template <class S>
Json versioned(const S& structure) {
    Json json{{"schema_version", schema_version}};
    json.update(detail::Writer::write(structure));
    return json;
}

// Runs `action`; nlohmann-json reports misuse and lack of memory by throwing, which is not for the caller to know.
template <class T, class Action>
Result<T> guarded(const std::string& what, ExitCode code, Action action) {
    try {
        return action();
    } catch (const std::exception& exception) {
        return fail(what, exception.what(), {}, code);
    }
}

template <class T>
Result<T> read(const Json& json, const std::string& what, const std::string& advice, ExitCode code) {
    return guarded<T>(what, code, [&]() -> Result<T> {
        T structure;
        detail::Reader reader(json);
        reader.read(json, structure);
        if (!reader.complaint().empty()) {
            return fail(what, reader.complaint(), advice, code);
        }
        return structure;
    });
}

// Empty, or why this version cannot be read.
std::string version_complaint(const Json& json) {
    const auto found = json.is_object() ? json.find("schema_version") : json.end();
    if (found == json.end()) {
        return "schema_version: it is missing";
    }
    if (*found != schema_version) {
        return fmt::format("schema_version: it is {}, and this netio-trace reads {}",
                           found->dump(-1, ' ', false, Json::error_handler_t::replace), schema_version);
    }
    return {};
}

}  // namespace

Json to_json(const HistogramData& histogram) {
    return detail::Writer::write(histogram);
}
Json to_json(const WorkloadResult& result) {
    return detail::Writer::write(result);
}
Json to_json(const Capture& capture) {
    return versioned(capture);
}
Json to_json(const Report& report) {
    return versioned(report);
}
Json to_json(const SizeComparison& comparison) {
    return versioned(comparison);
}

Result<WorkloadResult> workload_result_from_json(const Json& json) {
    return read<WorkloadResult>(json, "cannot read the workload's result", "run it again; see the workload's own error",
                                ExitCode::incomplete);
}

Result<Capture> capture_from_json(const Json& json) {
    const std::string what = "cannot read the capture";
    if (const std::string why = version_complaint(json); !why.empty()) {
        return fail(what, why, "replay it with the netio-trace that wrote it (environment.tool_version)",
                    ExitCode::usage);
    }
    return read<Capture>(json, what, "give a file that netio-trace wrote, unchanged", ExitCode::usage);
}

Result<Json> parse_json(std::string_view text) {
    return guarded<Json>("not JSON text", ExitCode::usage, [&]() -> Result<Json> { return Json::parse(text); });
}

}  // namespace netio::model
