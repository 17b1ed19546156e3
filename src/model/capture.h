// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/figure.h"
#include "model/overhead.h"
#include "model/profile.h"
#include "model/site.h"
#include "model/timing.h"
#include "model/vocabulary.h"
#include "model/workload.h"

// A capture is everything the imperative shell learned in one experiment: plain facts, no conclusion. The ledger, the
// explanation and every report follow from it alone, without root and on another machine.

namespace netio::model {

inline constexpr int schema_version = 1;

struct Spec {
    CopyMode mode = CopyMode::zerocopy;
    Path path = Path::veth;
    Tier tier = Tier::automatic;
    std::string provoke = "none";  // the id of a scenario (src/provoke), set up in the run's own namespaces
    std::uint64_t size_bytes = 16384;
    std::uint32_t threads = 1;
    std::uint64_t messages = 0;  // per connection; 0: as many as fit in `duration_ns`
    std::int64_t duration_ns = 5'000'000'000;
    std::int64_t warmup_ns = 200'000'000;
    bool verify = false;
    bool operator==(const Spec&) const = default;
};

// Whether the receiver is somebody else's process: what it got and what became of it is not known then.
inline bool sees_only_sender(const Spec& spec) {
    return spec.path == Path::remote;
}

// net.core.optmem_max as it comes before Linux 6.9, where one setting holds for all namespaces (sysctl_optmem_max,
// net/core/sock.c): a handful of zero-copy calls in flight fill it.
inline constexpr std::uint64_t small_option_memory_bytes = 20480;

struct Environment {
    std::string tool_version;
    std::string kernel_release;  // uname -r
    std::string machine;         // uname -m
    std::string cpu_model;
    std::uint32_t cpus = 0;
    std::string hypervisor;                     // empty on bare metal
    std::string lockdown;                       // none, integrity, confidentiality, or "unknown"
    std::string started_utc;                    // ISO 8601
    std::map<std::string, std::string> limits;  // net.core.optmem_max, RLIMIT_MEMLOCK, ...
    bool operator==(const Environment&) const = default;
};

struct Tally {
    std::uint64_t calls = 0;
    std::uint64_t bytes = 0;
    Tally& operator+=(const Tally& other) {
        calls += other.calls;
        bytes += other.bytes;
        return *this;
    }
    bool operator==(const Tally&) const = default;
};

// One traced socket, tagged when its process first used it.
struct SocketFacts {
    std::uint32_t slot = 0;
    std::int32_t pid = 0;
    std::string command;
    Role role = Role::server;
    std::string local;  // "10.0.0.1:5001"
    std::string remote;
    std::uint64_t netns = 0;                // inode of the network namespace
    std::string protocol = "tcp";           // or what stands before it: "mptcp", "tls", "sockmap"
    std::uint64_t option_memory_bytes = 0;  // sk_omem_alloc at the last refusal with ENOBUFS; 0: none
    std::map<Site, Tally> sites;
    std::map<std::int32_t, std::uint64_t> send_errors;  // errno -> failed send calls
    bool operator==(const SocketFacts&) const = default;
};

struct DeviceFacts {
    std::uint64_t key = 0;  // opaque, joins with LateCopyFacts::device
    std::string name;
    std::string kind;  // rtnl kind ("veth"), "loopback", or empty
    std::uint32_t ifindex = 0;
    std::uint64_t netns = 0;
    bool scatter_gather = true;  // NETIF_F_SG
    bool checksum = true;        // NETIF_F_HW_CSUM or NETIF_F_IP_CSUM: of TCP over IPv4
    bool segmentation = true;    // NETIF_F_TSO
    bool operator==(const DeviceFacts&) const = default;
};

// Where a window of the packet's life a copy was seen in.
enum class Direction : std::uint8_t { transmit, receive, unknown };
inline constexpr std::array<Name<Direction>, 3> direction_names{{
    {Direction::transmit, "transmit"},
    {Direction::receive, "receive"},
    {Direction::unknown, "unknown"},
}};

// Copies of payload inside the kernel, after the send call took it: one row per socket, device and call stack.
struct LateCopyFacts {
    std::uint32_t slot = 0;
    std::uint64_t device = 0;
    Direction direction = Direction::unknown;
    std::uint64_t copies = 0;        // calls of the copying function
    std::uint64_t bytes = 0;         // payload bytes moved, as the kernel has their length
    std::uint64_t pages = 0;         // pages allocated for it, where they were counted; 0: not counted
    bool user_pages = true;          // the copied packet carried user pages (zero-copy), not kernel pages
    std::vector<std::string> stack;  // kernel functions, innermost first, suffixes stripped; empty: lost
    bool operator==(const LateCopyFacts&) const = default;
};

// One perf event of one thread; raw count and both times are kept together.
struct CounterReading {
    Role role = Role::server;
    std::int32_t thread_id = 0;
    std::string event;  // perf's own name: "cycles", "L1-dcache-load-misses", "task-clock"
    std::string space;  // "user", "kernel" or "all"
    Figure<std::uint64_t> count;
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
    std::optional<std::string> pmu = {};  // which of several PMUs counted: "cpu_atom"; none: there is but one
    bool operator==(const CounterReading&) const = default;
};

// The same of everything that ran on one processor in the same time, in both spaces.
struct ProcessorReading {
    std::uint32_t cpu = 0;
    std::string event;  // perf's own name, or "busy-time" and "softirq-time" in nanoseconds (/proc/stat)
    Figure<std::uint64_t> count;
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
    std::optional<std::string> pmu = {};
    bool operator==(const ProcessorReading&) const = default;
};

struct ProbeFacts {
    std::string probe;  // logical name: "late-copy"
    std::string meaning;
    bool required = false;
    Tier tier = Tier::none;            // none: no variant could be attached
    std::string attached;              // "tp_btf/mm_page_alloc"
    std::vector<std::string> refused;  // "fentry/skb_copy_ubufs: Operation not permitted (EPERM)"
    std::string limits;                // what the attached variant cannot see that others can; mostly empty
    bool operator==(const ProbeFacts&) const = default;
};

struct TapFacts {
    std::string namespace_of;  // "server", "client" or "host"
    std::uint64_t inode = 0;
    std::string protocol;  // "all" or the EtherType in hex
    std::int32_t pid = 0;  // 0: owner not found
    std::string command;
    std::string device;  // empty: every device of the namespace
    bool operator==(const TapFacts&) const = default;
};

struct Capture {
    Spec spec;
    Environment environment;
    std::string interrupted;  // empty: ran to the end; else what ended it early
    WorkloadResult server;
    WorkloadResult client;
    std::vector<SocketFacts> sockets;
    std::vector<DeviceFacts> devices;
    std::vector<LateCopyFacts> late_copies;
    std::vector<ProbeFacts> probes;
    std::vector<CounterReading> counters;
    std::optional<std::vector<ProcessorReading>> machine_counters;  // none: they were not asked for
    std::vector<TapFacts> taps;
    std::optional<ProfileFacts> profile;  // none: it was not asked for
    std::optional<TimingFacts> timing;    // likewise
    std::optional<std::vector<ProgramRuns>> program_runs;
    std::uint64_t lost_events = 0;        // ring buffer full: explanations lost, no bytes
    std::uint64_t lost_copies = 0;        // table of late copies full: their bytes are missing
    std::uint64_t untracked_sockets = 0;  // sockets beyond the table: their bytes are missing
    bool operator==(const Capture&) const = default;
};

// Whether probes were asked for, and the kernel let none of them be attached.
inline bool is_refused(const Spec& spec, const std::vector<ProbeFacts>& probes) {
    return spec.tier != Tier::none && !probes.empty() &&
           std::all_of(probes.begin(), probes.end(), [](const ProbeFacts& probe) { return probe.tier == Tier::none; });
}

}  // namespace netio::model
