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
    for_each_entry("/run/netns", [&](const fs::path& path) {
        auto ns = is_new(inode_of(path)) ? netns::Namespace::at_path(path) : fail("known");
        if (ns) {
            world.add(std::move(*ns), "the namespace " + path.filename().string());
        }
    });
    for (const pid_t pid : processes()) {
        if (is_new(inode_of(fmt::format("/proc/{}/ns/net", pid)))) {
            const std::string command = trim(read_file(fmt::format("/proc/{}/comm", pid)).value_or("?"));
            if (auto ns = netns::Namespace::of_process(pid)) {
                world.add(std::move(*ns), fmt::format("the namespace of {} (pid {})", command, pid));
            }
        }
    }
    for_each_entry("/proc/self/fd", [&](const fs::path& path) {
        const std::uint64_t inode = is_namespace(path) ? inode_of(path) : 0;
        auto ns = is_new(inode) ? netns::Namespace::at_path(path) : fail("known");
        if (ns) {
            world.add(std::move(*ns), fmt::format("the namespace net:[{}]", inode));
        }
    });
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
