// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace netio::perf {

// A list of processors as the kernel writes it: "0-3,6" (bitmap_print_to_pagebuf). Blanks around it are passed over; no
// text is no processor. None where it is no such list.
std::optional<std::vector<std::uint32_t>> parse_cpu_list(const std::string& text);

// Processors that run, as sys/devices/system/cpu/online below `root` lists them; empty where it cannot be read.
std::vector<std::uint32_t> online_cpus(const std::filesystem::path& root = "/");

}  // namespace netio::perf
