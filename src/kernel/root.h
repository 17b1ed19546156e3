// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

namespace netio::kernel {

// The root folder below which proc/ and sys/ are read, so that a test can bring its own machine.
struct Root {
    std::filesystem::path prefix = "/";

    std::filesystem::path operator/(const std::filesystem::path& below) const { return prefix / below.relative_path(); }
};

}  // namespace netio::kernel
