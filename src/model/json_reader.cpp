// SPDX-License-Identifier: MIT
#include "model/json_reader.h"

#include <charconv>

namespace netio::model::detail {

void Reader::read(const Json& json, std::string& text) {
    if (!json.is_string()) {
        return complain("expected a text, found " + kind_of(json));
    }
    text = json.get<std::string>();
}

void Reader::read(const Json& json, HistogramBucket& bucket) {
    if (!json.is_array() || json.size() != 3) {
        return complain("expected [lower, upper, count]");
    }
    std::uint64_t* const parts[] = {&bucket.lower, &bucket.upper, &bucket.count};
    for (std::size_t i = 0; i < 3; ++i) {
        descend(fmt::format("[{}]", i), [&] { read(json[i], *parts[i]); });
    }
}

void Reader::read_key(const std::string& word, std::int32_t& key) {
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, key);
    if (error != std::errc() || stop != end) {
        complain(fmt::format("expected whole numbers as keys, found '{}'", word));
    }
}

void Reader::complain(const std::string& why) {
    if (complaint_.empty()) {
        complaint_ = path_.empty() ? why : path_ + ": " + why;
    }
}

std::string Reader::kind_of(const Json& json) {
    if (json.is_number_float()) {
        return "a fraction";
    }
    switch (json.type()) {
        case Json::value_t::null:
            return "null";
        case Json::value_t::object:
            return "an object";
        case Json::value_t::array:
            return "an array";
        case Json::value_t::string:
            return "a text";
        case Json::value_t::boolean:
            return "a truth value";
        default:
            return "a number";
    }
}

}  // namespace netio::model::detail
