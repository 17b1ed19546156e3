// SPDX-License-Identifier: MIT
#include "kernel/environment.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "kernel/limits.h"
#include "kernel/parse.h"

namespace netio::kernel {

namespace {

std::string read_or_empty(const std::filesystem::path& path) {
    auto text = read_file(path);
    return text ? trim(*text) : std::string{};
}

std::string read_or_unknown(const std::filesystem::path& path) {
    std::string text = read_or_empty(path);
    return text.empty() ? "unknown" : text;
}

// proc/sys/kernel/arch exists since 6.1; before, only the system call tells.
std::string machine(const Root& root) {
    std::string text = read_or_empty(root / "proc/sys/kernel/arch");
    utsname name{};
    if (text.empty() && ::uname(&name) == 0) {
        text = static_cast<const char*>(name.machine);
    }
    return text;
}

// The value of the first line "key : value" of proc/cpuinfo.
std::string cpuinfo_value(std::string_view cpuinfo, std::string_view key) {
    for (const std::string& line : split(cpuinfo, '\n')) {
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == key) {
            return trim(std::string_view(line).substr(colon + 1));
        }
    }
    return {};
}

// x86, MIPS, POWER and old ARM each have a key of their own; arm64 prints numbers only.
std::string cpu_model(std::string_view cpuinfo) {
    for (const std::string_view key : {"model name", "cpu model", "cpu", "Processor"}) {
        if (std::string value = cpuinfo_value(cpuinfo, key); !value.empty()) {
            return value;
        }
    }
    return "unknown";
}

// The number of CPUs in a list such as "0-3,8,10-11"; 0 where it is not one.
std::uint32_t count_cpus(std::string_view list) {
    std::uint32_t count = 0;
    for (const std::string& part : split(list, ',')) {
        const std::vector<std::string> bounds = split(part, '-');
        const auto first = parse_number<std::uint32_t>(bounds.front());
        const auto last = parse_number<std::uint32_t>(bounds.back());
        if (bounds.size() > 2 || !first || !last || *last < *first) {
            return 0;
        }
        count += *last - *first + 1;
    }
    return count;
}

bool runs_virtualised(std::string_view cpuinfo, std::string_view vendor) {
    const std::string flags = " " + cpuinfo_value(cpuinfo, "flags") + " ";
    if (flags.find(" hypervisor ") != std::string::npos) {
        return true;
    }
    // Other architectures have no such flag; there the firmware's vendor is the only sign.
    constexpr std::array<std::string_view, 5> virtual_vendors{"QEMU", "VMware, Inc.", "innotek GmbH", "Xen",
                                                              "Parallels"};
    for (const std::string_view name : virtual_vendors) {
        if (vendor.starts_with(name)) {
            return true;
        }
    }
    return false;
}

// Where a kernel is booted without firmware the device tree names the machine; virtual ones of QEMU, kvmtool and crosvm
// are all called this.
std::string virtual_device_tree(const Root& root) {
    const std::string compatible = read_or_empty(root / "sys/firmware/devicetree/base/compatible");
    constexpr std::string_view any = "linux,dummy-virt";
    return compatible.starts_with(any) ? std::string(any) : std::string{};
}

std::string hypervisor(const Root& root, std::string_view cpuinfo) {
    const std::string xen = read_or_empty(root / "sys/hypervisor/type");
    const std::string vendor = read_or_empty(root / "sys/class/dmi/id/sys_vendor");
    if (xen.empty() && !runs_virtualised(cpuinfo, vendor)) {
        return virtual_device_tree(root);
    }
    const std::string product = read_or_empty(root / "sys/class/dmi/id/product_name");
    if (!vendor.empty()) {
        return product.empty() ? vendor : vendor + " " + product;
    }
    return xen.empty() ? "unnamed" : xen;
}

// "none [integrity] confidentiality": the choice in force stands in brackets.
std::string lockdown(const Root& root) {
    const std::string text = read_or_empty(root / "sys/kernel/security/lockdown");
    const std::size_t open = text.find('[');
    const std::size_t close = text.find(']', open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) {
        return "unknown";
    }
    return text.substr(open + 1, close - open - 1);
}

std::map<std::string, std::string> read_limits(const Root& root) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 11> sysctls{{
        {"net.core.optmem_max", "net/core/optmem_max"},
        {"net.core.rmem_max", "net/core/rmem_max"},
        {"net.core.wmem_max", "net/core/wmem_max"},
        {"net.core.max_skb_frags", "net/core/max_skb_frags"},
        {"net.core.default_qdisc", "net/core/default_qdisc"},
        {"net.core.bpf_jit_enable", "net/core/bpf_jit_enable"},
        {"net.ipv4.tcp_congestion_control", "net/ipv4/tcp_congestion_control"},
        {"net.ipv4.tcp_rmem", "net/ipv4/tcp_rmem"},
        {"net.ipv4.tcp_wmem", "net/ipv4/tcp_wmem"},
        {"kernel.perf_event_paranoid", "kernel/perf_event_paranoid"},
        {"kernel.unprivileged_bpf_disabled", "kernel/unprivileged_bpf_disabled"},
    }};
    std::map<std::string, std::string> limits;
    for (const auto& [name, path] : sysctls) {
        if (std::string value = read_or_empty(root / "proc/sys" / path); !value.empty()) {
            limits.emplace(name, join(split(value, '\t'), " "));
        }
    }
    if (const auto memlock = memlock_limit(root, 0)) {
        limits.emplace("RLIMIT_MEMLOCK", *memlock == unlimited ? "unlimited" : fmt::format("{}", *memlock));
    }
    return limits;
}

}  // namespace

model::Environment read_environment(const Root& root, std::string started_utc) {
    const std::string cpuinfo = read_or_empty(root / "proc/cpuinfo");
    model::Environment environment;
    environment.tool_version = NETIO_VERSION;
    environment.kernel_release = read_or_unknown(root / "proc/sys/kernel/osrelease");
    environment.machine = machine(root);
    environment.cpu_model = cpu_model(cpuinfo);
    environment.cpus = count_cpus(read_or_empty(root / "sys/devices/system/cpu/online"));
    environment.hypervisor = hypervisor(root, cpuinfo);
    environment.lockdown = lockdown(root);
    environment.started_utc = std::move(started_utc);
    environment.limits = read_limits(root);
    return environment;
}

}  // namespace netio::kernel
