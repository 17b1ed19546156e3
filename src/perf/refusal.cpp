// SPDX-License-Identifier: MIT
#include "perf/refusal.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/result.h"
#include "base/seccomp.h"
#include "base/text.h"
#include "perf/pmu.h"

namespace netio::perf {
namespace {

// perf_event_open(2), "ERRORS"; those that depend on the machine (ENOENT, EACCES, EPERM) are not among them.
constexpr std::array<Meaning, 14> table{{
    {EMFILE, "too many open files in this process", "a higher limit (ulimit -n) or fewer threads", false},
    {ENFILE, "too many open files on this machine", "a higher fs.file-max", false},
    {ESRCH, "the thread had ended before its counters were opened", "", false},
    {EINVAL, "the kernel refuses this event in this form", ""},
    {ENOSPC, "no counter of the PMU is left for it", ""},
    {EBUSY, "another program holds the PMU for itself", ""},
    {ENODEV, "the PMU lacks what the event asks for, or its processor is offline", ""},
    {ENXIO, "the PMU lacks what the event asks for, or its processor is offline", ""},
    {EOPNOTSUPP, "the PMU cannot count it as asked: a thread's, or user and kernel space apart", ""},
    {EINTR, "signals kept interrupting the call", "it again"},
    {E2BIG, "this kernel is too old for what the event asks for", ""},
    {EOVERFLOW, "the event asks for more call frames than kernel.perf_event_max_stack", ""},
    {ENOMEM, "the kernel has no memory for it", ""},
    {ENOSYS, "this kernel was built without performance events (CONFIG_PERF_EVENTS)", "", false},
}};

std::vector<std::string> core_names(const std::filesystem::path& root) {
    std::vector<std::string> names;
    for (const Pmu& pmu : find_pmus(root)) {
        if (pmu.core) {
            names.push_back(pmu.name);
        }
    }
    return names;
}

model::Figure<std::int64_t> paranoid_level(const std::filesystem::path& file) {
    using Level = model::Figure<std::int64_t>;
    const auto text = read_file(file);
    if (!text) {
        // Without CONFIG_PERF_EVENTS the kernel has no such sysctl.
        return Level::missing("kernel.perf_event_paranoid cannot be read: " + text.error().why);
    }
    const std::string digits = trim(*text);
    std::int64_t level = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), level);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return Level::missing("kernel.perf_event_paranoid is no number: " + digits);
    }
    return level;
}

// Whether the event is one of a PMU, which a machine may lack altogether: all virtual ones that were told nothing else.
bool is_of_core(std::uint32_t type) {
    return type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE || type == PERF_TYPE_RAW;
}

std::string not_exposed(std::uint32_t type, const Host& host) {
    if (type == PERF_TYPE_SOFTWARE) {
        return "this kernel has no such software event";
    }
    if (!is_of_core(type)) {
        return "this kernel has no such event: " + errno_text(ENOENT);
    }
    if (host.pmus.empty()) {
        return "this machine exposes no hardware counter for it (no PMU; usual in a VM)";
    }
    return fmt::format("this machine exposes no hardware counter for it (its PMU, {}, lacks the event)",
                       join(host.pmus, ", "));
}

std::string not_permitted(int error_number, const Host& host) {
    const std::string level = host.paranoid.measured()
                                  ? fmt::format("kernel.perf_event_paranoid is {}", host.paranoid.value())
                                  : host.paranoid.reason();
    if (host.seccomp_filter) {
        return fmt::format(
            "{}: a seccomp filter is in force, as in containers, and {}; let perf_event_open(2) pass it, or try "
            "CAP_PERFMON",
            errno_text(error_number), level);
    }
    return fmt::format("{}: {}; try sudo or CAP_PERFMON", errno_text(error_number), level);
}

}  // namespace

Host host_facts(const std::filesystem::path& root) {
    return Host{core_names(root), paranoid_level(root / "proc/sys/kernel/perf_event_paranoid"),
                has_seccomp_filter(root)};
}

std::span<const Meaning> meanings() {
    return table;
}

std::string refusal(int error_number, std::uint32_t type, const Host& host) {
    const bool no_pmu = is_of_core(type) && host.pmus.empty();
    const bool absent = error_number == ENODEV || error_number == ENXIO || error_number == EOPNOTSUPP;
    if (error_number == ENOENT || (no_pmu && absent)) {
        return not_exposed(type, host);
    }
    if (error_number == EACCES || error_number == EPERM) {
        return not_permitted(error_number, host);
    }
    const auto row = std::find_if(table.begin(), table.end(),
                                  [&](const Meaning& meaning) { return meaning.error_number == error_number; });
    if (row == table.end()) {
        return "perf_event_open: " + errno_text(error_number);
    }
    std::string text{row->what};
    text += row->says_errno ? ": " + errno_text(error_number) : "";
    return row->advice.empty() ? text : fmt::format("{}; try {}", text, row->advice);
}

}  // namespace netio::perf
