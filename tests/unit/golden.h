// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

namespace netio::test {

// `text` must be exactly what tests/golden/`name` holds. With NETIO_UPDATE_GOLDEN=1 in the environment the file is
// written instead: look at the difference before you keep it.
inline void check_golden(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path{NETIO_SOURCE_ROOT} / "tests" / "golden" / name;
    const char* update = std::getenv("NETIO_UPDATE_GOLDEN");
    if (update != nullptr && std::string{update} == "1") {
        std::ofstream{path, std::ios::binary} << text;
    }
    std::ifstream file{path, std::ios::binary};
    REQUIRE_MESSAGE(file.good(), "cannot read " << path << "; NETIO_UPDATE_GOLDEN=1 writes it");
    const std::string expected{std::istreambuf_iterator<char>{file}, {}};
    CHECK_MESSAGE(text == expected, name << " differs; now it is:\n" << text);
}

}  // namespace netio::test
