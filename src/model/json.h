// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "model/capture.h"
#include "model/comparison.h"
#include "model/report.h"

// The one JSON form of the model: keys are the names of the members and keep their order, enums are the words of their
// tables, a figure is a number or {"missing": reason}, a histogram bucket is [lower, upper, count], maps are objects
// (errno and site as keys). Texts that are not UTF-8 have the offending bytes replaced by U+FFFD, so dump() of what
// to_json gives does not throw; nor does any function here.

namespace netio::model {

using Json = nlohmann::ordered_json;

Json to_json(const HistogramData& histogram);
Json to_json(const WorkloadResult& result);
Json to_json(const Capture& capture);
Json to_json(const Report& report);  // without the capture
Json to_json(const SizeComparison& comparison);

// Errors name the path of the key that is missing or wrong ("sockets[0].sites: unknown site 'foo'"); a capture of
// another schema_version is refused. Keys beyond those of the structures are passed over.
Result<WorkloadResult> workload_result_from_json(const Json& json);
Result<Capture> capture_from_json(const Json& json);

// JSON text of any origin. Error: ExitCode::usage, `why` says where the text breaks.
Result<Json> parse_json(std::string_view text);

}  // namespace netio::model
