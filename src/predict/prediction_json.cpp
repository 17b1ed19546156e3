// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "explain/causes.h"
#include "model/json.h"
#include "predict/page.h"

namespace netio::predict {

namespace {

using model::Json;

Json place_json(const Place& place) {
    return {{"inode", place.inode}, {"name", valid_utf8(place.name)}};
}

std::string_view spell(Step::Kind kind) {
    switch (kind) {
        case Step::Kind::send:
            return "send";
        case Step::Kind::receive:
            return "receive";
        case Step::Kind::forward:
            return "forward";
        case Step::Kind::deliver:
            return "deliver";
        case Step::Kind::process:
            return "process";
        case Step::Kind::leave:
            return "leave";
        case Step::Kind::vanish:
            return "vanish";
        case Step::Kind::unseen:
            return "unseen";
    }
    return "?";
}

std::string_view spell(Xdp xdp) {
    switch (xdp) {
        case Xdp::none:
            return "none";
        case Xdp::native:
            return "native";
        case Xdp::generic:
            return "generic";
        case Xdp::offloaded:
            return "offloaded";
    }
    return "?";
}

Json device_json(const Device& device) {
    const Features& features = device.features;
    Json json{{"name", valid_utf8(device.name)}, {"index", device.index},   {"kind", device.kind},
              {"driver", device.driver},         {"mtu_bytes", device.mtu}, {"up", device.up},
              {"xdp", spell(device.xdp)},        {"qdisc", device.qdisc},   {"corrupted_ratio", device.corrupted}};
    if (features.known) {
        json["features"] = {{"scatter_gather", features.scatter_gather},
                            {"checksum", features.checksum},
                            {"segmentation", features.segmentation},
                            {"tunnel", features.tunnel}};
    }
    return json;
}

Json step_json(const Step& step) {
    model::Capture capture;
    capture.taps = step.taps;
    return {{"step", spell(step.kind)},           {"namespace", place_json(step.place)},
            {"device", device_json(step.device)}, {"wrapped", step.wrapped},
            {"filters", step.programs},           {"taps", model::to_json(capture)["taps"]},
            {"note", valid_utf8(step.note)}};
}

Json cause_json(const Expected& cause) {
    const explain::Cause& row = explain::cause(cause.cause);
    return {{"cause", cause.cause},
            {"certain", cause.certain},
            {"extent", to_string(cause.extent)},
            {"silent", cause.silent},
            {"device", valid_utf8(cause.where)},
            {"namespace", place_json(cause.place)},
            {"why", valid_utf8(cause.why)},
            {"meaning", row.meaning},
            {"remedy", row.remedy}};
}

Json limits_json(const Limits& limits) {
    Json json{{"locked_memory_skipped", limits.locked_memory_skipped}};
    if (limits.option_memory_bytes) {
        json["option_memory_bytes"] = *limits.option_memory_bytes;
    }
    if (limits.locked_memory_bytes && *limits.locked_memory_bytes != UINT64_MAX) {
        json["locked_memory_bytes"] = *limits.locked_memory_bytes;
    }
    return json;
}

}  // namespace

std::string render_json(const Facts& facts, const Prediction& prediction) {
    Json json;
    json["schema_version"] = model::schema_version;
    json["to"] = {{"address", facts.target.address}, {"port", facts.target.port}};
    json["kernel"] = facts.kernel_release;
    json["outcome"] = to_string(prediction.outcome);
    json["certain"] = prediction.certain;
    json["verdict"] = valid_utf8(verdict(facts, prediction));
    json["route"] = {{"device", facts.route.device},
                     {"gateway", facts.route.gateway},
                     {"source", facts.route.source},
                     {"local", facts.route.type == Route::Type::local}};
    json["sender"] = place_json(facts.sender);
    json["way"] = Json::array();
    for (const Step& step : facts.way) {
        json["way"].push_back(step_json(step));
    }
    json["causes"] = Json::array();
    for (const Expected& cause : prediction.causes) {
        json["causes"].push_back(cause_json(cause));
    }
    json["unknown"] = Json::array();
    for (const Unknown& unknown : prediction.unknown) {
        json["unknown"].push_back({{"what", valid_utf8(unknown.what)}, {"causes", unknown.causes}});
    }
    json["limits"] = limits_json(facts.limits);
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netio::predict
