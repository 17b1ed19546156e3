// SPDX-License-Identifier: MIT
#include "perf/cpus.h"

#include <charconv>
#include <string_view>

#include "base/files.h"
#include "base/text.h"

namespace netio::perf {
namespace {

constexpr std::uint32_t most = 1U << 16;

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<std::vector<std::uint32_t>> parse_cpu_list(const std::string& text) {
    std::vector<std::uint32_t> cpus;
    const std::string list = trim(text);
    if (list.empty()) {
        return cpus;
    }
    for (const std::string& range : split(list, ',')) {
        const std::size_t dash = range.find('-');
        const auto first = number(std::string_view(range).substr(0, dash));
        const auto last = dash == std::string::npos ? first : number(std::string_view(range).substr(dash + 1));
        if (!first || !last || *last < *first || *last >= most) {
            return std::nullopt;
        }
        for (std::uint32_t cpu = *first; cpu <= *last; ++cpu) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

std::vector<std::uint32_t> online_cpus(const std::filesystem::path& root) {
    const auto text = read_file(root / "sys/devices/system/cpu/online");
    return text ? parse_cpu_list(*text).value_or(std::vector<std::uint32_t>{}) : std::vector<std::uint32_t>{};
}

}  // namespace netio::perf
