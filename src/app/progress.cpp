// SPDX-License-Identifier: MIT
#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace netio::app {

Progress terminal_progress() {
    if (::isatty(STDERR_FILENO) == 0) {
        return [](const std::string&, double) {};
    }
    return [](const std::string& phase, double share) {
        if (phase.empty()) {
            fmt::print(stderr, "\r\x1b[K");
        } else if (share < 0) {
            fmt::print(stderr, "\r\x1b[K{} ...", phase);
        } else {
            constexpr int width = 30;
            const int done = static_cast<int>(share * width);
            fmt::print(stderr, "\r\x1b[K{} [{:#<{}}{: <{}}] {:3.0f} %", phase, "", done, "", width - done, share * 100);
        }
        std::fflush(stderr);
    };
}

}  // namespace netio::app
