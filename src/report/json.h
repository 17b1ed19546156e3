// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/capture.h"
#include "model/json.h"
#include "model/report.h"

namespace netio::report {

// One JSON object, indented by one space and ended by a line feed: schema_version, tool_version, the parts of the
// report, and under "capture" the raw facts they follow from, which `netio-trace replay` reads. A figure is a number,
// or
// {"missing": reason}. Bytes of names that are not UTF-8 become U+FFFD.
std::string render_json(const model::Report& report, const model::Capture& capture);
// The same object, to be a part of another one.
model::Json to_json(const model::Report& report, const model::Capture& capture);

}  // namespace netio::report
