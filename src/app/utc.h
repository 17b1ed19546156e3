// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <ctime>
#include <string>

namespace netio::app {

// The time of day as ISO 8601 in UTC, to the second.
inline std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), length};
}

}  // namespace netio::app
