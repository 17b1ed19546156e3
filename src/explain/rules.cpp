// SPDX-License-Identifier: MIT
#include "explain/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace netio::explain {

using ledger::LateGroup;
using Words = std::vector<std::string>;

namespace {

constexpr std::array<std::string_view, 2> delivery_functions{"ip_local_deliver_finish", "ip6_input_finish"};

bool is_one_of(const Words& words, std::string_view word) {
    return words.empty() || std::find(words.begin(), words.end(), word) != words.end();
}

bool is_on_stack(const Words& words, const LateGroup& group) {
    return words.empty() || std::any_of(group.stack.begin(), group.stack.end(),
                                        [&](const std::string& frame) { return is_one_of(words, frame); });
}

bool holds(std::optional<bool> wanted, bool found) {
    return !wanted || *wanted == found;
}

bool delivers(const LateGroup& group) {
    return std::find(delivery_functions.begin(), delivery_functions.end(), group.caller) != delivery_functions.end();
}

bool is_between(const LateGroup& group, const Scene& scene) {
    const auto& ends = scene.end_namespaces;
    return group.device.netns != 0 && !ends.empty() &&
           std::find(ends.begin(), ends.end(), group.device.netns) == ends.end();
}

bool concerns_copies(const Rule& rule) {
    return !rule.function.empty() || !rule.caller.empty() || !rule.stack.empty() || rule.scatter_gather;
}

bool device_matches(const Rule& rule, const LateGroup& group) {
    const bool known = !group.device.name.empty();
    return holds(rule.device_known, known) && (!rule.scatter_gather || known) &&
           holds(rule.scatter_gather, group.device.scatter_gather) &&
           (rule.device_kind.empty() || (known && is_one_of(rule.device_kind, group.device.kind)));
}

bool read_words(const model::Json& json, Words& words) {
    if (!json.is_array() || json.empty()) {
        return false;
    }
    for (const auto& word : json) {
        if (!word.is_string()) {
            return false;
        }
        words.push_back(word.get<std::string>());
    }
    return true;
}

// Whether the key is one of a rule's and its value fits.
bool read_key(const std::string& key, const model::Json& value, Rule& rule) {
    const std::pair<const char*, Words*> lists[] = {{"function", &rule.function},
                                                    {"caller", &rule.caller},
                                                    {"stack", &rule.stack},
                                                    {"and_stack", &rule.and_stack},
                                                    {"device_kind", &rule.device_kind}};
    const std::pair<const char*, std::optional<bool>*> switches[] = {{"scatter_gather", &rule.scatter_gather},
                                                                     {"device_known", &rule.device_known},
                                                                     {"leaving", &rule.leaving},
                                                                     {"delivered_elsewhere", &rule.delivered_elsewhere},
                                                                     {"receiver_tapped", &rule.receiver_tapped},
                                                                     {"device_between", &rule.device_between}};
    const std::pair<const char*, std::string*> texts[] = {
        {"site", &rule.site}, {"limit", &rule.limit}, {"protocol", &rule.protocol}};
    for (const auto& [name, words] : lists) {
        if (key == name) {
            return read_words(value, *words);
        }
    }
    for (const auto& [name, wanted] : switches) {
        if (key == name && value.is_boolean()) {
            *wanted = value.get<bool>();
            return true;
        }
    }
    for (const auto& [name, text] : texts) {
        if (key == name && value.is_string()) {
            *text = value.get<std::string>();
            return true;
        }
    }
    if (key == "errno" && value.is_number_integer()) {
        rule.error = value.get<std::int32_t>();
        return true;
    }
    return false;
}

}  // namespace

Result<Rule> parse_rule(const model::Json& json) {
    Rule rule;
    if (!json.is_object() || json.empty()) {
        return fail("a rule is not an object with conditions");
    }
    for (const auto& item : json.items()) {
        if (!read_key(item.key(), item.value(), rule)) {
            return fail(
                fmt::format("a rule has no condition \"{}\" with the value {}", item.key(), item.value().dump()));
        }
    }
    return rule;
}

bool matches(const Rule& rule, const LateGroup& group, const std::vector<LateGroup>& others, const Scene& scene) {
    const bool delivered_elsewhere = std::any_of(others.begin(), others.end(), delivers);
    return concerns_copies(rule) && is_one_of(rule.function, group.function) && is_one_of(rule.caller, group.caller) &&
           is_on_stack(rule.stack, group) && is_on_stack(rule.and_stack, group) && device_matches(rule, group) &&
           holds(rule.leaving, ledger::is_leaving(group)) && holds(rule.delivered_elsewhere, delivered_elsewhere) &&
           holds(rule.receiver_tapped, scene.receiver_tapped) && holds(rule.device_between, is_between(group, scene));
}

}  // namespace netio::explain
