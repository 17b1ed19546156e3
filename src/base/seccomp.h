// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

namespace netio {

// Whether a seccomp(2) filter judges the system calls of this process, as container runtimes install one (Seccomp of
// proc/self/status, proc(5)). `root`: "/" but in tests. False where that cannot be read.
bool has_seccomp_filter(const std::filesystem::path& root = "/");

}  // namespace netio
