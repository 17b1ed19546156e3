// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "model/vocabulary.h"

namespace netio::app {

// The error for a word that is none of `words`: it names the nearest, or all where none is near.
inline Error unknown_word(const std::string& option, const std::string& text,
                          const std::vector<std::string_view>& words) {
    const std::vector<std::string> all(words.begin(), words.end());
    const std::string near = nearest(text, words);
    if (near.empty()) {
        return {option + " " + text, "there is no such word", "one of " + join(all, ", "), ExitCode::usage};
    }
    return {option + " " + text, "there is no such word; known are " + join(all, ", "), option + " " + near,
            ExitCode::usage};
}

// The first of several results that is an error; nullptr where none is.
template <class... Results>
const Error* first_error(const Results&... results) {
    const Error* found = nullptr;
    ((found = found == nullptr && !results ? &results.error() : found), ...);
    return found;
}

// A word of a vocabulary, as given to `option`.
template <class E, std::size_t N>
Result<E> parse_word(const std::string& option, const std::array<model::Name<E>, N>& names, const std::string& text) {
    if (const auto value = model::value_in(names, text)) {
        return *value;
    }
    std::vector<std::string_view> words;
    for (const auto& name : names) {
        words.push_back(name.text);
    }
    return Unexpected{unknown_word(option, text, words)};
}

// The tier that a command that is about probes attaches by.
inline Result<model::Tier> parse_probing_tier(const std::string& word) {
    auto tier = parse_word("--tier", model::tier_names, word);
    if (tier && *tier == model::Tier::none) {
        return fail("--tier none", "there is nothing to look for without probes", "--tier auto", ExitCode::usage);
    }
    return tier;
}

}  // namespace netio::app
