// SPDX-License-Identifier: MIT
#include "base/seccomp.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace netio {

bool has_seccomp_filter(const std::filesystem::path& root) {
    const auto status = read_file(root / "proc/self/status");
    if (!status) {
        return false;
    }
    const auto lines = split(*status, '\n');
    return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("Seccomp:") && trim(line).ends_with("2");  // SECCOMP_MODE_FILTER, linux/seccomp.h
    });
}

}  // namespace netio
