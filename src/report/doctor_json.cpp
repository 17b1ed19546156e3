// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "model/json.h"
#include "report/doctor.h"

namespace netio::report {

namespace {

using model::Json;

Json capabilities_json(const DoctorFacts& facts) {
    Json json = Json::object();
    for (const auto& capability : facts.capabilities) {
        json[capability.name] = capability.held;
    }
    return json;
}

Json counters_json(const DoctorFacts& facts) {
    Json events = Json::array();
    for (const auto& event : facts.events) {
        events.push_back({{"event", event.event}, {"counted", event.refusal.empty()}, {"refusal", event.refusal}});
    }
    return Json{{"pmus", facts.pmus}, {"events", events}};
}

Json tiers_json(const DoctorFacts& facts) {
    Json json = Json::object();
    for (const auto& tier : facts.tiers) {
        model::Capture capture;
        capture.probes = tier.probes;
        json[std::string{to_string(tier.tier)}] = model::to_json(capture)["probes"];
    }
    return json;
}

// The parts that a capture has too, in the one form they have there.
Json capture_parts(const DoctorFacts& facts) {
    model::Capture capture;
    capture.environment = facts.environment;
    capture.probes = facts.probes;
    capture.taps = facts.taps;
    return model::to_json(capture);
}

}  // namespace

std::string render_doctor_json(const DoctorFacts& facts) {
    const DoctorVerdict verdict = judge(facts);
    const Json parts = capture_parts(facts);
    Json json;
    json["schema_version"] = model::schema_version;
    json["tool_version"] = facts.environment.tool_version;
    json["traceable"] = verdict.traceable;
    json["exit_code"] = static_cast<int>(verdict.exit_code());
    json["verdict"] = verdict.text;
    json["tier"] = to_string(facts.asked);
    json["environment"] = parts["environment"];
    json["kernel"] = {{"btf", facts.btf}, {"tracefs", facts.tracefs}, {"kprobes", facts.kprobes}};
    json["user_id"] = facts.user_id;
    json["capabilities"] = capabilities_json(facts);
    json["memlock_skipped"] = facts.memlock_skipped;
    json["probes"] = parts["probes"];
    json["tiers"] = tiers_json(facts);
    json["counters"] = counters_json(facts);
    json["taps"] = facts.taps_unknown.empty() ? parts["taps"] : Json{{"missing", valid_utf8(facts.taps_unknown)}};
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netio::report
