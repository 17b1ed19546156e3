// SPDX-License-Identifier: MIT
#include "kernel/taps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/files.h"
#include "base/text.h"
#include "kernel/parse.h"

namespace netio::kernel {

namespace {

namespace fs = std::filesystem;

using DeviceNames = std::map<std::uint32_t, std::string>;

std::vector<std::string> words(std::string_view line) {
    std::vector<std::string> found;
    std::size_t end = 0;
    for (std::size_t start = line.find_first_not_of(" \t"); start != std::string_view::npos;
         start = line.find_first_not_of(" \t", end)) {
        end = std::min(line.find_first_of(" \t", start), line.size());
        found.emplace_back(line.substr(start, end - start));
    }
    return found;
}

void add_names(DeviceNames& names, const fs::path& path, std::size_t index_column, int base, std::size_t name_column) {
    const auto text = read_file(path);
    for (const std::string& line : split(text.value_or(""), '\n')) {
        const std::vector<std::string> fields = words(line);
        if (fields.size() <= std::max(index_column, name_column)) {
            continue;
        }
        if (const auto index = parse_number<std::uint32_t>(fields[index_column], base)) {
            names.emplace(*index, fields[name_column]);
        }
    }
}

// sys/class/net shows the namespace of whoever mounted sysfs, and proc/<pid>/net/dev has no index. These three files
// have both for the namespace of `pid`; a device is missing only if it is down or has no multicast group at all.
DeviceNames device_names(const fs::path& net) {
    DeviceNames names;
    add_names(names, net / "dev_mcast", 0, 10, 1);
    add_names(names, net / "igmp", 0, 10, 1);
    add_names(names, net / "if_inet6", 1, 16, 5);
    return names;
}

std::string device_name(const DeviceNames& names, std::uint32_t index) {
    if (index == 0) {
        return {};
    }
    const auto found = names.find(index);
    return found != names.end() ? found->second : fmt::format("ifindex {}", index);
}

// A line of proc/<pid>/net/packet: sk RefCnt Type Proto Iface R Rmem User Inode (packet_seq_show).
std::optional<model::TapFacts> parse_tap(std::string_view line, const DeviceNames& names) {
    const std::vector<std::string> fields = words(line);
    if (fields.size() < 9) {
        return std::nullopt;
    }
    const auto protocol = parse_number<std::uint32_t>(fields[3], 16);
    const auto index = parse_number<std::uint32_t>(fields[4]);
    const auto inode = parse_number<std::uint64_t>(fields[8]);
    if (!protocol || !index || !inode || *protocol == 0 || fields[5] == "0") {
        return std::nullopt;
    }
    constexpr std::uint32_t all_protocols = 0x0003;  // ETH_P_ALL
    model::TapFacts tap;
    tap.inode = *inode;
    tap.protocol = *protocol == all_protocols ? "all" : fmt::format("0x{:04x}", *protocol);
    tap.device = device_name(names, *index);
    return tap;
}

std::optional<std::uint64_t> socket_inode(const fs::path& link) {
    constexpr std::string_view prefix = "socket:[";
    std::error_code error;
    const std::string target = fs::read_symlink(link, error).string();
    if (error || !target.starts_with(prefix) || !target.ends_with(']')) {
        return std::nullopt;
    }
    return parse_number<std::uint64_t>(
        std::string_view(target).substr(prefix.size(), target.size() - prefix.size() - 1));
}

// Calls `visit` for each entry; a folder that vanishes or is refused just ends early.
template <class Visit>
void for_each_entry(const fs::path& folder, Visit visit) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        visit(entry->path());
    }
}

void claim(std::vector<model::TapFacts>& taps, std::uint64_t inode, std::int32_t pid, const fs::path& process) {
    for (model::TapFacts& tap : taps) {
        if (tap.inode == inode && (tap.pid == 0 || pid < tap.pid)) {
            tap.pid = pid;
            tap.command = trim(read_file(process / "comm").value_or(""));
        }
    }
}

void find_owners(const Root& root, std::vector<model::TapFacts>& taps) {
    for_each_entry(root / "proc", [&](const fs::path& process) {
        const auto pid = parse_number<std::int32_t>(process.filename().string());
        if (!pid) {
            return;
        }
        for_each_entry(process / "fd", [&](const fs::path& link) {
            if (const auto inode = socket_inode(link)) {
                claim(taps, *inode, *pid, process);
            }
        });
    });
}

}  // namespace

Result<std::vector<model::TapFacts>> find_taps(const Root& root, pid_t in_namespace_of, std::string namespace_label) {
    const fs::path net = root / "proc" / std::to_string(in_namespace_of) / "net";
    std::vector<model::TapFacts> taps;
    const auto table = read_file(net / "packet");
    if (!table) {
        // A kernel without CONFIG_PACKET has no such file, and no taps; without net/dev nothing could be read at all.
        const auto readable = read_file(net / "dev");
        return readable ? Result<std::vector<model::TapFacts>>(taps) : Unexpected(table.error());
    }
    const DeviceNames names = device_names(net);
    for (const std::string& line : split(*table, '\n')) {
        if (auto tap = parse_tap(line, names)) {
            tap->namespace_of = namespace_label;
            taps.push_back(std::move(*tap));
        }
    }
    if (!taps.empty()) {
        find_owners(root, taps);
    }
    return taps;
}

}  // namespace netio::kernel
