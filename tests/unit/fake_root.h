// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

// A machine of the test's own: a temporary folder that stands for "/", removed at the end.
class FakeRoot {
 public:
    FakeRoot() {
        std::string name = std::filesystem::temp_directory_path() / "netio-root-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make a temporary folder");
        }
        path_ = name;
    }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;
    ~FakeRoot() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }

    void file(const std::filesystem::path& below, std::string_view text) const {
        std::filesystem::create_directories((path_ / below).parent_path());
        std::ofstream stream(path_ / below);
        stream << text;
        if (!stream.flush()) {
            throw std::runtime_error("cannot write a fixture");
        }
    }
    void folder(const std::filesystem::path& below) const { std::filesystem::create_directories(path_ / below); }
    void link(const std::filesystem::path& below, const std::string& target) const {
        std::filesystem::create_directories((path_ / below).parent_path());
        std::filesystem::create_symlink(target, path_ / below);
    }

 private:
    std::filesystem::path path_;
};
