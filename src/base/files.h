// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace netio {

// The whole of a text file (procfs and sysfs included, whose sizes are reported as 0).
Result<std::string> read_file(const std::filesystem::path& path);
// Write through a temporary file in the same folder and rename(2), so that a reader sees the old or the new text.
Result<void> write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace netio
