// SPDX-License-Identifier: MIT
#include "kernel/limits.h"

#include <fmt/format.h>
#include <sys/capability.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "kernel/parse.h"

namespace netio::kernel {

namespace {

template <class Number>
Result<Number> number_of(std::string_view text, const std::filesystem::path& path) {
    const auto number = parse_number<Number>(text);
    if (!number) {
        return fail(fmt::format("cannot understand {}", path.string()), fmt::format("'{}' is not a number", text));
    }
    return *number;
}

template <class Number>
Result<Number> read_number(const std::filesystem::path& path) {
    auto text = read_file(path);
    if (!text) {
        return Unexpected(text.error());
    }
    return number_of<Number>(trim(*text), path);
}

// proc/mounts writes blanks in a path as octal escapes (proc(5), fstab(5)).
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto code = parse_number<unsigned char>(text.substr(i + 1, 3), 8);
        if (text[i] == '\\' && code) {
            plain += static_cast<char>(*code);
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

bool path_exists(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

bool has_effective(cap_t capabilities, cap_value_t wanted) {
    cap_flag_value_t value = CAP_CLEAR;
    return ::cap_get_flag(capabilities, wanted, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
}

}  // namespace

Result<std::uint64_t> optmem_max(const Root& root) {
    return read_number<std::uint64_t>(root / "proc/sys/net/core/optmem_max");
}

Result<std::uint64_t> memlock_limit(const Root& root, pid_t pid) {
    constexpr std::string_view label = "Max locked memory";
    const auto path = root / "proc" / (pid == 0 ? std::string("self") : std::to_string(pid)) / "limits";
    auto text = read_file(path);
    if (!text) {
        return Unexpected(text.error());
    }
    for (const std::string& line : split(*text, '\n')) {
        if (!line.starts_with(label)) {
            continue;
        }
        const std::string values = trim(std::string_view(line).substr(label.size()));
        const std::string soft = values.substr(0, values.find(' '));
        return soft == "unlimited" ? Result<std::uint64_t>(unlimited) : number_of<std::uint64_t>(soft, path);
    }
    return fail(fmt::format("cannot understand {}", path.string()), "it has no line for locked memory");
}

Result<bool> may_lock_memory(const Root& root, pid_t pid) {
    constexpr std::string_view label = "CapEff:";
    constexpr int cap_ipc_lock = 14;  // linux/capability.h
    const auto path = root / "proc" / std::to_string(pid) / "status";
    auto text = read_file(path);
    if (!text) {
        return Unexpected(text.error());
    }
    for (const std::string& line : split(*text, '\n')) {
        const auto mask = line.starts_with(label)
                              ? parse_number<std::uint64_t>(trim(std::string_view(line).substr(label.size())), 16)
                              : std::nullopt;
        if (mask) {
            return (*mask >> cap_ipc_lock & 1) != 0;
        }
    }
    return fail(fmt::format("cannot understand {}", path.string()), "it has no line for effective capabilities");
}

Result<int> unprivileged_bpf_disabled(const Root& root) {
    return read_number<int>(root / "proc/sys/kernel/unprivileged_bpf_disabled");
}

Result<int> perf_event_paranoid(const Root& root) {
    return read_number<int>(root / "proc/sys/kernel/perf_event_paranoid");
}

bool has_btf(const Root& root) {
    return path_exists(root / "sys/kernel/btf/vmlinux");
}

std::optional<std::filesystem::path> tracefs_folder(const Root& root) {
    std::optional<std::filesystem::path> below_debugfs;
    const auto mounts = read_file(root / "proc/mounts");
    for (const std::string& line : split(mounts.value_or(""), '\n')) {
        const std::vector<std::string> fields = split(line, ' ');
        if (fields.size() < 3) {
            continue;
        }
        const auto folder = root / unescape(fields[1]);
        if (fields[2] == "tracefs") {
            return folder;
        }
        // Touching this folder makes the kernel mount tracefs there (tracing: trace_automount).
        if (fields[2] == "debugfs" && path_exists(folder / "tracing/events")) {
            below_debugfs = folder / "tracing";
        }
    }
    return below_debugfs;
}

KprobeSupport kprobe_support(const Root& root) {
    KprobeSupport support;
    const auto tracefs = tracefs_folder(root);
    support.tracefs = tracefs && path_exists(*tracefs / "kprobe_events");
    support.perf_pmu = path_exists(root / "sys/bus/event_source/devices/kprobe");
    return support;
}

Result<Capabilities> own_capabilities() {
    const std::unique_ptr<_cap_struct, int (*)(void*)> held(::cap_get_proc(), ::cap_free);
    if (!held) {
        return fail_errno("cannot read the capabilities of this process", errno);
    }
    Capabilities capabilities;
    capabilities.bpf = has_effective(held.get(), CAP_BPF);
    capabilities.perfmon = has_effective(held.get(), CAP_PERFMON);
    capabilities.net_admin = has_effective(held.get(), CAP_NET_ADMIN);
    capabilities.net_raw = has_effective(held.get(), CAP_NET_RAW);
    capabilities.sys_admin = has_effective(held.get(), CAP_SYS_ADMIN);
    return capabilities;
}

}  // namespace netio::kernel
