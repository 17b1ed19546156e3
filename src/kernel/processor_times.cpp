// SPDX-License-Identifier: MIT
#include "kernel/processor_times.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "kernel/parse.h"

namespace netio::kernel {
namespace {

// "cpu0 3853410 308966 563721 1033924 7114 0 60748 10509 1 0": user, nice, system, idle, iowait, irq, softirq, steal;
// what guests used is in user and nice already. None for every other line, that of all processors ("cpu ") included.
std::optional<ProcessorTimes> times_in(std::string_view line) {
    constexpr std::string_view prefix = "cpu";
    constexpr std::size_t user = 1, nice = 2, system = 3, irq = 6, softirq = 7;
    const auto words = split(line, ' ');
    if (!line.starts_with(prefix) || words.size() <= softirq) {
        return std::nullopt;
    }
    const auto cpu = parse_number<std::uint32_t>(std::string_view(words[0]).substr(prefix.size()));
    if (!cpu) {
        return std::nullopt;
    }
    ProcessorTimes times{*cpu, 0, 0};
    for (const std::size_t at : {user, nice, system, irq, softirq}) {
        const auto ticks = parse_number<std::uint64_t>(words[at]);
        if (!ticks) {
            return std::nullopt;
        }
        times.busy_ns += *ticks * processor_time_step_ns();
        times.softirq_ns = at == softirq ? *ticks * processor_time_step_ns() : times.softirq_ns;
    }
    return times;
}

using Count = model::Figure<std::uint64_t>;

// Fewer steps than this say little.
constexpr std::uint64_t least_steps = 50;

Count time_between(std::uint64_t before, std::uint64_t after, std::chrono::nanoseconds between) {
    const std::uint64_t step_ns = processor_time_step_ns();
    if (static_cast<std::uint64_t>(between.count()) < least_steps * step_ns) {
        return Count::missing(
            fmt::format("the run took less than {} steps of {} ms", least_steps, step_ns / 1'000'000));
    }
    return after > before ? after - before : 0;
}

}  // namespace

std::uint64_t processor_time_step_ns() {
    constexpr std::uint64_t second = 1'000'000'000;
    const long ticks = ::sysconf(_SC_CLK_TCK);
    return second / static_cast<std::uint64_t>(ticks > 0 ? ticks : 100);
}

Result<std::vector<ProcessorTimes>> processor_times(const Root& root) {
    const auto text = read_file(root / "proc/stat");
    if (!text) {
        return Unexpected(text.error());
    }
    std::vector<ProcessorTimes> all;
    for (const std::string& line : split(*text, '\n')) {
        if (const auto times = times_in(line)) {
            all.push_back(*times);
        }
    }
    return all;
}

std::vector<model::ProcessorReading> time_readings(std::span<const ProcessorTimes> before,
                                                   std::span<const ProcessorTimes> after,
                                                   std::chrono::nanoseconds between) {
    const auto window_ns = static_cast<std::uint64_t>(between.count());
    std::vector<model::ProcessorReading> readings;
    for (const ProcessorTimes& end : after) {
        const auto start = std::find_if(before.begin(), before.end(),
                                        [&](const ProcessorTimes& times) { return times.cpu == end.cpu; });
        if (start == before.end()) {
            continue;
        }
        readings.push_back(
            {end.cpu, "busy-time", time_between(start->busy_ns, end.busy_ns, between), window_ns, window_ns});
        readings.push_back(
            {end.cpu, "softirq-time", time_between(start->softirq_ns, end.softirq_ns, between), window_ns, window_ns});
    }
    return readings;
}

}  // namespace netio::kernel
