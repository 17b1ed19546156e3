// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/json.h"
#include "model/json_fields.h"

namespace netio::model::detail {

// Builds one JSON object from the fields of a structure.
class Writer {
 public:
    template <class T>
    void operator()(const char* key, const T& value) {
        json_[key] = write(value);
    }
    // What was not asked for has no key.
    template <class T>
    void operator()(const char* key, const std::optional<T>& value) {
        if (value) {
            json_[key] = write(*value);
        }
    }
    Json take() { return std::move(json_); }

    // A structure.
    template <class S>
    requires std::is_class_v<S>
    static Json write(const S& structure) {
        Writer writer;
        fields(writer, structure);
        return writer.take();
    }
    // JSON has no infinity; what is not a number is said to be missing.
    static Json write(double value) {
        return std::isfinite(value) ? Json(value) : Json{{"missing", "not a finite number"}};
    }
    template <std::integral T>
    static Json write(T value) {
        return value;
    }
    // Command names and file names may hold any bytes, JSON text may not.
    static Json write(const std::string& text) { return valid_utf8(text); }
    template <Word E>
    static Json write(E value) {
        return name_in(Vocabulary<E>::names, value);
    }
    template <class T>
    static Json write(const Figure<T>& figure) {
        return figure.measured() ? write(figure.value()) : Json{{"missing", valid_utf8(figure.reason())}};
    }
    // A triple instead of an object: captures hold thousands of buckets.
    static Json write(const HistogramBucket& bucket) { return Json::array({bucket.lower, bucket.upper, bucket.count}); }
    template <class T>
    static Json write(const std::vector<T>& values) {
        Json array = Json::array();
        for (const T& value : values) {
            array.push_back(write(value));
        }
        return array;
    }
    template <class K, class V>
    static Json write(const std::map<K, V>& map) {
        Json object = Json::object();
        for (const auto& [key, value] : map) {
            object[word_of(key)] = write(value);
        }
        return object;
    }

 private:
    static std::string word_of(const std::string& key) { return valid_utf8(key); }
    static std::string word_of(std::int32_t key) { return std::to_string(key); }
    static std::string word_of(Site key) { return std::string(to_string(key)); }

    Json json_ = Json::object();
};

}  // namespace netio::model::detail
