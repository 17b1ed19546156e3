// SPDX-License-Identifier: MIT
#include "perf/refusal.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/result.h"
#include "base/seccomp.h"
#include "base/text.h"

namespace netio::perf {
namespace {

// Core PMUs only: "msr", "uncore_imc_0", "arm_spe_0" and the like do not count the events of a thread.
bool is_core_pmu(std::string_view name) {
    return name.starts_with("cpu") || name.starts_with("armv");
}

std::vector<std::string> core_pmus(const std::filesystem::path& devices) {
    std::vector<std::string> names;
    std::error_code ignored;  // A folder that is not there means no PMU, and is said as such.
    for (const auto& entry : std::filesystem::directory_iterator(devices, ignored)) {
        std::string name = entry.path().filename().string();
        if (is_core_pmu(name)) {
            names.push_back(std::move(name));
        }
    }
    std::sort(names.begin(), names.end());
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

std::string not_exposed(const Event& event, const Host& host) {
    if (event.type == PERF_TYPE_SOFTWARE) {
        return "this kernel has no such software event";
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
    return Host{core_pmus(root / "sys/bus/event_source/devices"),
                paranoid_level(root / "proc/sys/kernel/perf_event_paranoid"), has_seccomp_filter(root)};
}

std::string refusal(int error_number, const Event& event, const Host& host) {
    switch (error_number) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
        case EOPNOTSUPP:
            return not_exposed(event, host);
        case EACCES:
        case EPERM:
            return not_permitted(error_number, host);
        case EMFILE:
            return "too many open files in this process; try a higher limit (ulimit -n) or fewer threads";
        case ENFILE:
            return "too many open files on this machine; try a higher fs.file-max";
        case ESRCH:
            return "the thread had ended before its counters were opened";
        case EINVAL:
            return "the kernel refuses this event in this form: " + errno_text(error_number);
        case ENOSPC:
            return "no counter of the PMU is left for it: " + errno_text(error_number);
        case EBUSY:
            return "another program holds the PMU for itself: " + errno_text(error_number);
        case ENOSYS:
            return "this kernel was built without performance events (CONFIG_PERF_EVENTS)";
        default:
            return "perf_event_open: " + errno_text(error_number);
    }
}

}  // namespace netio::perf
