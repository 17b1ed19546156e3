// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "model/json.h"
#include "model/json_fields.h"

namespace netio::model::detail {

// Fills a structure from a JSON object. Stops at the first thing that is wrong and remembers it with its path:
// "sockets[0].sites: unknown site 'foo'". Keys that no structure has are passed over.
class Reader {
 public:
    explicit Reader(const Json& json) : json_(&json) {}

    // Empty while all is well.
    const std::string& complaint() const { return complaint_; }

    // One field of the object that is being read.
    template <class T>
    void operator()(const char* key, T& value) {
        if (!complaint_.empty()) {
            return;
        }
        const auto found = json_->find(key);
        descend(path_.empty() ? key : fmt::format(".{}", key), [&] {
            if (found == json_->end()) {
                complain("it is missing");
            } else {
                read(*found, value);
            }
        });
    }

    // One that may be absent.
    template <class T>
    void operator()(const char* key, std::optional<T>& value) {
        value.reset();
        if (complaint_.empty() && json_->contains(key)) {
            (*this)(key, value.emplace());
        }
    }

    // A structure.
    template <class S>
    requires std::is_class_v<S>
    void read(const Json& json, S& structure) {
        if (!json.is_object()) {
            return complain("expected an object, found " + kind_of(json));
        }
        const Json* outer = std::exchange(json_, &json);
        fields(*this, structure);
        json_ = outer;
    }
    void read(const Json& json, bool& value) {
        if (!json.is_boolean()) {
            return complain("expected true or false, found " + kind_of(json));
        }
        value = json.get<bool>();
    }
    template <std::integral T>
    void read(const Json& json, T& value) {
        const bool whole = json.is_number_integer();
        const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                    : whole && std::in_range<T>(json.get<std::int64_t>());
        if (!fits) {
            return complain(fmt::format("expected a whole number from {} to {}, found {}",
                                        std::numeric_limits<T>::min(), std::numeric_limits<T>::max(),
                                        whole ? json.dump() : kind_of(json)));
        }
        value = json.get<T>();
    }
    void read(const Json& json, std::string& text);
    template <Word E>
    void read(const Json& json, E& value) {
        std::string word;
        read(json, word);
        if (complaint_.empty()) {
            value = word_in<E>(word);
        }
    }
    template <class T>
    void read(const Json& json, Figure<T>& figure) {
        const auto missing = json.find("missing");
        if (json.is_object() && missing != json.end()) {
            std::string reason;
            descend(".missing", [&] { read(*missing, reason); });
            figure = Figure<T>::missing(std::move(reason));
            return;
        }
        T value{};
        read(json, value);
        figure = value;
    }
    void read(const Json& json, HistogramBucket& bucket);
    template <class T>
    void read(const Json& json, std::vector<T>& values) {
        if (!json.is_array()) {
            return complain("expected an array, found " + kind_of(json));
        }
        values.clear();
        values.reserve(json.size());
        for (std::size_t i = 0; i < json.size() && complaint_.empty(); ++i) {
            descend(fmt::format("[{}]", i), [&] { read(json[i], values.emplace_back()); });
        }
    }
    template <class K, class V>
    void read(const Json& json, std::map<K, V>& map) {
        if (!json.is_object()) {
            return complain("expected an object, found " + kind_of(json));
        }
        map.clear();
        for (const auto& item : json.items()) {
            const std::string& word = item.key();
            K key{};
            read_key(word, key);
            if (!complaint_.empty()) {
                return;
            }
            descend(fmt::format(".{}", word), [&] { read(item.value(), map[key]); });
        }
    }

 private:
    template <class Action>
    void descend(const std::string& step, Action action) {
        const std::size_t length = path_.size();
        path_ += step;
        action();
        path_.resize(length);
    }
    template <Word E>
    E word_in(const std::string& word) {
        const auto value = value_in(Vocabulary<E>::names, word);
        if (!value) {
            complain(fmt::format("unknown {} '{}'", Vocabulary<E>::noun, word));
        }
        return value.value_or(E{});
    }
    void read_key(const std::string& word, std::string& key) { key = word; }
    void read_key(const std::string& word, Site& key) { key = word_in<Site>(word); }
    void read_key(const std::string& word, std::int32_t& key);

    // The first complaint stands; what follows from it would only confuse.
    void complain(const std::string& why);
    static std::string kind_of(const Json& json);

    const Json* json_;
    std::string path_;
    std::string complaint_;
};

}  // namespace netio::model::detail
