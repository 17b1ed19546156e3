// SPDX-License-Identifier: MIT
#include "report/folded.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace netio::report {

namespace {

std::string frame(std::string_view name) {
    std::string shown = valid_utf8(name);
    const auto parts = [](char letter) {
        return letter == ';' || letter == ' ' || static_cast<unsigned char>(letter) < 0x20;
    };
    std::replace_if(shown.begin(), shown.end(), parts, '_');
    return shown.empty() ? std::string("_") : shown;
}

std::string line_of(const model::ProfileStack& stack) {
    std::string line = frame(stack.task);
    if (stack.user) {
        return line + ";program";
    }
    for (auto name = stack.frames.rbegin(); name != stack.frames.rend(); ++name) {
        line += ';' + frame(*name);
    }
    return line;
}

}  // namespace

std::string render_folded(const model::ProfileFacts& profile) {
    std::map<std::string, std::uint64_t> samples_of;  // two tasks may have one name
    for (const auto& stack : profile.stacks) {
        samples_of[line_of(stack)] += stack.samples;
    }
    std::string text;
    for (const auto& [line, samples] : samples_of) {
        text += fmt::format("{} {}\n", line, samples);
    }
    return text;
}

}  // namespace netio::report
