// SPDX-License-Identifier: MIT
#include "report/json.h"

#include <array>
#include <string_view>
#include <utility>

#include "model/json.h"

namespace netio::report {

namespace {

// What readers of the text form know as Why and Speed, under the words that docs and options use.
std::string public_key(const std::string& key) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 2> keys{
        {{"findings", "causes"}, {"latencies", "latency"}}};
    for (const auto& [member, name] : keys) {
        if (key == member) {
            return std::string{name};
        }
    }
    return key;
}

}  // namespace

model::Json to_json(const model::Report& report, const model::Capture& capture) {
    model::Json json;
    json["schema_version"] = model::schema_version;
    json["tool_version"] = report.environment.tool_version;
    const model::Json parts = model::to_json(report);
    for (const auto& [key, value] : parts.items()) {
        json[public_key(key)] = value;
    }
    json["capture"] = model::to_json(capture);
    return json;
}

std::string render_json(const model::Report& report, const model::Capture& capture) {
    return to_json(report, capture).dump(1, ' ', false, model::Json::error_handler_t::replace) + "\n";
}

}  // namespace netio::report
