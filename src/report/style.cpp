// SPDX-License-Identifier: MIT
#include "report/style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>
#include <string_view>

namespace netio::report {

namespace {

constexpr unsigned default_columns = 80;

std::string_view value_of(const EnvironmentLookup& environment, const char* name) {
    const char* value = environment(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

// The width in COLUMNS, or the default where it is no sensible number.
unsigned columns_variable(const EnvironmentLookup& environment) {
    constexpr unsigned most = 10'000;
    const std::string_view text = value_of(environment, "COLUMNS");
    unsigned columns = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && columns > 0 && columns <= most ? columns : default_columns;
}

// The first variable that is set and not empty decides, as setlocale(3) says.
bool speaks_utf8(const EnvironmentLookup& environment) {
    for (const char* name : std::array{"LC_ALL", "LC_CTYPE", "LANG"}) {
        std::string value{value_of(environment, name)};
        if (value.empty()) {
            continue;
        }
        std::transform(value.begin(), value.end(), value.begin(),
                       [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
        return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
    }
    return false;
}

bool wants_colour(const EnvironmentLookup& environment) {
    const std::string_view kind = value_of(environment, "TERM");
    return value_of(environment, "NO_COLOR").empty() && !kind.empty() && kind != "dumb";
}

}  // namespace

TerminalStyle choose_style(const TerminalFacts& facts, const EnvironmentLookup& environment) {
    TerminalStyle style;
    style.unicode = speaks_utf8(environment);
    if (!facts.terminal) {
        return style;
    }
    style.columns = facts.window_columns > 0 ? facts.window_columns : columns_variable(environment);
    style.colour = wants_colour(environment);
    return style;
}

TerminalStyle detect_style(int fd, const EnvironmentLookup& environment) {
    TerminalFacts facts;
    facts.terminal = ::isatty(fd) == 1;
    winsize window{};
    if (facts.terminal && ::ioctl(fd, TIOCGWINSZ, &window) == 0) {
        facts.window_columns = window.ws_col;
    }
    return choose_style(facts, environment);
}

}  // namespace netio::report
