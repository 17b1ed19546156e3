// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/result.h"
#include "kernel/root.h"

namespace netio::kernel {

inline constexpr std::uint64_t unlimited = UINT64_MAX;

// Bytes of ancillary memory per socket, which bounds the zero-copy sends in flight (sock_omalloc). Since 6.8 every
// network namespace has its own: this is the one of the calling thread's namespace.
Result<std::uint64_t> optmem_max(const Root& root);
// Soft limit of locked memory in bytes, or `unlimited` (proc(5), proc/<pid>/limits); pid 0 is this process.
Result<std::uint64_t> memlock_limit(const Root& root, pid_t pid);
// Whether a process has CAP_IPC_LOCK and so may pin as much as it likes (CapEff of proc/<pid>/status).
Result<bool> may_lock_memory(const Root& root, pid_t pid);
// 0: allowed; 1: not, until reboot; 2: not, but an administrator may allow it (bpf(2)).
Result<int> unprivileged_bpf_disabled(const Root& root);
// -1 allows everything, 2 only user space of one's own; Debian adds 3 and 4: nothing (perf_event_open(2)).
Result<int> perf_event_paranoid(const Root& root);
// The kernel describes its types (CONFIG_DEBUG_INFO_BTF), which fentry and CO-RE need.
bool has_btf(const Root& root);
// Where tracefs is mounted, by itself or below debugfs, as a path below `root`; empty: nowhere.
std::optional<std::filesystem::path> tracefs_folder(const Root& root);

// Two ways to make a kprobe; the kernel may lack either.
struct KprobeSupport {
    bool tracefs = false;   // <tracefs>/kprobe_events
    bool perf_pmu = false;  // sys/bus/event_source/devices/kprobe, the way libbpf prefers
    bool any() const { return tracefs || perf_pmu; }
    bool operator==(const KprobeSupport&) const = default;
};
KprobeSupport kprobe_support(const Root& root);

// Effective capabilities that tracing or building namespaces may need (capabilities(7)).
struct Capabilities {
    bool bpf = false;
    bool perfmon = false;
    bool net_admin = false;
    bool net_raw = false;
    bool sys_admin = false;
    bool operator==(const Capabilities&) const = default;
};
// Of the calling thread, as libcap says. A kernel before 5.8 knows neither CAP_BPF nor CAP_PERFMON; CAP_SYS_ADMIN
// stands for both there, and here `bpf` and `perfmon` are then false.
Result<Capabilities> own_capabilities();

}  // namespace netio::kernel
