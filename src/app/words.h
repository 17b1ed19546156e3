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

// A word of a vocabulary, as given to `option`. The error names the nearest word.
template <class E, std::size_t N>
Result<E> parse_word(const std::string& option, const std::array<model::Name<E>, N>& names, const std::string& text) {
    if (const auto value = model::value_in(names, text)) {
        return *value;
    }
    std::vector<std::string_view> words;
    std::vector<std::string> all;
    for (const auto& name : names) {
        words.push_back(name.text);
        all.emplace_back(name.text);
    }
    const std::string near = nearest(text, words);
    return fail(option + " " + text, "there is no such word; known are " + join(all, ", "),
                near.empty() ? option + " " + all.front() : option + " " + near, ExitCode::usage);
}

}  // namespace netio::app
