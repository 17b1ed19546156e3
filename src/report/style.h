// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

namespace netio::report {

// How a terminal wants its text.
struct TerminalStyle {
    unsigned columns = 80;  // display columns; less than 60 is treated as 60
    bool colour = false;    // ANSI colours; never the only sign of anything
    bool unicode = true;    // false: ASCII only
};

// getenv(3), or a stand-in for it: null where the variable is not set.
using EnvironmentLookup = std::function<const char*(const char*)>;

// What the kernel says about an open file.
struct TerminalFacts {
    bool terminal = false;        // isatty(3)
    unsigned window_columns = 0;  // TIOCGWINSZ; 0: the terminal does not say
};

// The style that follows from the facts and the environment: COLUMNS where the terminal does not know its width,
// NO_COLOR (https://no-color.org: set and not empty), TERM=dumb, and the character set of LC_ALL, LC_CTYPE or LANG.
// What is no terminal gets 80 columns and no colour.
TerminalStyle choose_style(const TerminalFacts& facts, const EnvironmentLookup& environment);

// The same for the file descriptor `fd`, which stays the caller's.
TerminalStyle detect_style(int fd, const EnvironmentLookup& environment);

}  // namespace netio::report
