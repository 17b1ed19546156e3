// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <cstring>

#include <fmt/format.h>

namespace netio {

std::string errno_text(int error_number) {
    // glibc 2.32: the _np calls return constants, so unlike strerror(3) they are safe in any thread and not translated.
    const char* description = strerrordesc_np(error_number);
    const char* name = strerrorname_np(error_number);
    if (description == nullptr || name == nullptr) {
        return fmt::format("Unknown error {}", error_number);
    }
    return fmt::format("{} ({})", description, name);
}

std::string describe(const Error& error) {
    std::string line = error.what;
    if (!error.why.empty()) {
        line += ": " + error.why;
    }
    if (!error.advice.empty()) {
        line += "; try: " + error.advice;
    }
    return line;
}

}  // namespace netio
