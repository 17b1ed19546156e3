// SPDX-License-Identifier: MIT
#include "predict/world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/files.h"
#include "base/text.h"
#include "kernel/parse.h"

namespace netio::predict {

namespace {

namespace fs = std::filesystem;

// Calls `visit` for each entry; a folder that is missing or refused has none.
template <class Visit>
void for_each_entry(const fs::path& folder, Visit visit) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        visit(entry->path());
    }
}

std::vector<pid_t> processes() {
    std::vector<pid_t> pids;
    for_each_entry("/proc", [&](const fs::path& path) {
        if (const auto pid = kernel::parse_number<pid_t>(path.filename().string())) {
            pids.push_back(*pid);
        }
    });
    std::sort(pids.begin(), pids.end());
    return pids;
}

std::uint64_t inode_of(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::string spell_process(pid_t pid) {
    return fmt::format("{} (pid {})", trim(read_file(fmt::format("/proc/{}/comm", pid)).value_or("?")), pid);
}

// Where ip-netns(8) and container runtimes keep theirs: files that a namespace is mounted on (proc(5), mountinfo).
std::vector<fs::path> mounted_namespaces() {
    std::vector<fs::path> paths;
    for (const std::string& line : split(read_file("/proc/self/mountinfo").value_or(""), '\n')) {
        constexpr std::size_t mount_point = 4;
        const std::vector<std::string> fields = split(line, ' ');
        if (line.find(" - nsfs ") != std::string::npos && fields.size() > mount_point) {
            paths.emplace_back(fields[mount_point]);
        }
    }
    return paths;
}

bool is_namespace(const fs::path& descriptor) {
    std::error_code error;
    return fs::read_symlink(descriptor, error).string().starts_with("net:[");
}

}  // namespace

Result<Room> Room::open(netns::Namespace ns, bool own, std::string name) {
    netns::Socket socket;
    Fd datagram;
    const auto open_both = [&]() -> Result<void> {
        auto opened = netns::open_socket();
        if (!opened) {
            return Unexpected(opened.error());
        }
        socket = std::move(*opened);
        datagram.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        return datagram.valid() ? Result<void>{} : fail_errno("cannot open a socket", errno);
    };
    auto ready = own ? open_both() : ns.run(open_both);
    if (!ready) {
        return Unexpected(ready.error());
    }
    Place place{ns.inode(), std::move(name)};
    return Room(std::move(ns), own, std::move(place), std::move(socket), std::move(datagram));
}

Result<void> Room::run(const std::function<Result<void>()>& task) const {
    return own_ ? task() : ns_.run(task);
}

std::string Room::setting(const std::string& name) const {
    std::string text;
    // proc/sys/net shows the namespace of whoever reads it.
    (void)run([&]() -> Result<void> {
        text = trim(read_file("/proc/sys/net/" + name).value_or(""));
        return {};
    });
    return text;
}

void World::add(netns::Namespace ns, const std::string& name) {
    const bool known =
        std::any_of(rooms_.begin(), rooms_.end(), [&](const auto& room) { return room->place().inode == ns.inode(); });
    if (known) {
        return;
    }
    const bool own = ns.inode() == inode_of("/proc/self/ns/net");
    auto room = Room::open(std::move(ns), own, name);
    if (room) {
        rooms_.push_back(std::make_unique<Room>(std::move(*room)));
    } else {
        ++closed_;
    }
}

Result<World> World::look_around(netns::Namespace sender) {
    World world;
    const bool own = sender.inode() == inode_of("/proc/self/ns/net");
    auto first = Room::open(std::move(sender), own, "the sender's namespace");
    if (!first) {
        return Unexpected(first.error());
    }
    world.rooms_.push_back(std::make_unique<Room>(std::move(*first)));
    std::vector<std::uint64_t> seen;
    const auto is_new = [&](std::uint64_t inode) {
        const bool fresh = inode != 0 && std::find(seen.begin(), seen.end(), inode) == seen.end();
        seen.push_back(inode);
        return fresh;
    };
    const auto add_file = [&](const fs::path& path, const std::string& name) {
        if (!is_new(inode_of(path))) {
            return;
        }
        if (auto ns = netns::Namespace::at_path(path)) {  // else it is a namespace of another kind, or gone
            world.add(std::move(*ns), name);
        }
    };
    for (const fs::path& path : mounted_namespaces()) {
        add_file(path, "the namespace " + path.filename().string());
    }
    const std::vector<pid_t> pids = processes();
    for (const pid_t pid : pids) {
        add_file(fmt::format("/proc/{}/ns/net", pid), "the namespace of " + spell_process(pid));
    }
    for (const pid_t pid : pids) {
        for_each_entry(fmt::format("/proc/{}/fd", pid), [&](const fs::path& path) {
            if (is_namespace(path)) {
                add_file(path, "a namespace that is held by " + spell_process(pid));
            }
        });
    }
    return world;
}

Room* World::by_number(Room& room, std::optional<int> number) {
    if (!number) {
        return &room;
    }
    for (const auto& other : rooms_) {
        if (room.number_of(*other) == number) {
            return other.get();
        }
    }
    return nullptr;
}

}  // namespace netio::predict
