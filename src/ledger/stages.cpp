// SPDX-License-Identifier: MIT
#include "ledger/stages.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "model/json.h"

namespace netio::ledger {

extern const std::string_view stages_json;  // generated from docs/stages.json

namespace {

using model::Json;

Result<std::vector<std::string>> names_in(const Json& object, const char* key) {
    std::vector<std::string> names;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) {
        return fail(fmt::format("no array \"{}\"", key));
    }
    for (const Json& name : *found) {
        const std::string text = name.is_string() ? name.get<std::string>() : std::string();
        const std::size_t star = text.find('*');
        if (text.empty() || star == 0 || (star != std::string::npos && star + 1 != text.size())) {
            return fail(fmt::format("\"{}\" holds what is no name, nor the beginning of one: {}", key, name.dump()));
        }
        names.push_back(name.get<std::string>());
    }
    return names;
}

Result<Stage> parse_row(const Json& json) {
    if (!json.is_object()) {
        return fail("it is no object");
    }
    Stage row;
    const std::pair<const char*, std::string*> texts[] = {
        {"id", &row.id}, {"name", &row.name}, {"meaning", &row.meaning}};
    for (const auto& [key, text] : texts) {
        if (!json.contains(key) || !json[key].is_string()) {
            return fail(fmt::format("no text \"{}\"", key));
        }
        *text = json[key].get<std::string>();
    }
    const auto claims = json.find("claims");
    if (claims == json.end() || !claims->is_boolean()) {
        return fail("no truth value \"claims\"");
    }
    row.claims = claims->get<bool>();
    const std::pair<const char*, std::vector<std::string>*> lists[] = {{"functions", &row.functions},
                                                                       {"innermost", &row.innermost}};
    for (const auto& [key, list] : lists) {
        auto names = names_in(json, key);
        if (!names) {
            return Unexpected(names.error());
        }
        *list = std::move(*names);
    }
    return row;
}

}  // namespace

template <class T>
bool Stages::Names<T>::add(const std::string& pattern, const T& value) {
    if (pattern.ends_with('*')) {
        return beginnings.emplace(pattern.substr(0, pattern.size() - 1), value).second;
    }
    return whole.emplace(pattern, value).second;
}

template <class T>
const T* Stages::Names<T>::find(const std::string& name) const {
    if (const auto found = whole.find(name); found != whole.end()) {
        return &found->second;
    }
    for (std::string beginning = name; !beginning.empty(); beginning.pop_back()) {
        if (const auto found = beginnings.find(beginning); found != beginnings.end()) {
            return &found->second;
        }
    }
    return nullptr;
}

Result<void> Stages::add_all(const std::vector<std::string>& patterns, const Meaning& meaning) {
    for (const std::string& pattern : patterns) {
        if (!meanings_.add(pattern, meaning)) {
            return fail(fmt::format("{} stands there twice", pattern));
        }
    }
    return {};
}

Result<Stages> Stages::parse(std::string_view json_text) {
    const std::string what = "the table of stages cannot be read";
    const Json json = Json::parse(json_text, nullptr, false);
    if (json.is_discarded() || !json.is_object() || !json.contains("classes") || !json["classes"].is_array()) {
        return fail(what, "it is not an object with an array \"classes\"");
    }
    Stages table;
    const auto neutral = names_in(json, "neutral");
    const auto boundaries = names_in(json, "boundaries");
    const auto network = names_in(json, "network");
    for (const auto* list : {&neutral, &boundaries, &network}) {
        if (!*list) {
            return fail(what, list->error().what);
        }
    }
    auto added = table.add_all(*neutral, {Kind::neutral, 0});
    for (const Json& row_json : json["classes"]) {
        auto row = parse_row(row_json);
        if (!row) {
            return fail(what, fmt::format("class {}: {}", table.rows_.size() + 1, row.error().what));
        }
        const std::size_t at = table.rows_.size();
        added = added.and_then([&] { return table.add_all(row->functions, {Kind::function, at}); });
        added = added.and_then([&] { return table.add_all(row->innermost, {Kind::innermost, at}); });
        table.rows_.push_back(std::move(*row));
    }
    if (!added) {
        return fail(what, added.error().what);
    }
    for (const std::string& name : *boundaries) {
        table.boundaries_.add(name, true);
    }
    for (const std::string& name : *network) {
        table.network_.add(name, true);
    }
    return table;
}

StageMatch Stages::classify(std::span<const std::string> frames) const {
    StageMatch innermost;
    for (const std::string& frame : frames) {
        const Meaning* meaning = meanings_.find(frame);
        const bool counts = meaning != nullptr && (meaning->kind == Kind::function ||
                                                   (meaning->kind == Kind::innermost && &frame == &frames.front()));
        if (counts && rows_[meaning->row].claims) {
            return {&rows_[meaning->row], frame};
        }
        if (counts && innermost.stage == nullptr) {
            innermost = {&rows_[meaning->row], frame};
        }
        if (boundaries_.find(frame) != nullptr) {
            break;
        }
    }
    return innermost;
}

bool Stages::is_network(std::span<const std::string> frames) const {
    for (const std::string& frame : frames) {
        if (network_.find(frame) != nullptr) {
            return true;
        }
    }
    return false;
}

const Stages& stages() {
    static const Stages table = [] {
        auto parsed = Stages::parse(stages_json);
        if (!parsed) {
            throw std::logic_error(describe(parsed.error()));
        }
        return std::move(*parsed);
    }();
    return table;
}

}  // namespace netio::ledger
