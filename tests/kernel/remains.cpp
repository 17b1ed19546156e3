// SPDX-License-Identifier: MIT
#include "remains.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tool.h"

namespace netio::e2e {

namespace fs = std::filesystem;

namespace {

int bpf(int command, bpf_attr& attributes) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

int object_by_id(const std::string& kind, std::uint32_t id) {
    bpf_attr attributes{};
    attributes.prog_id = id;  // one union: map_id and link_id stand at the same place
    if (kind == "prog") {
        return bpf(BPF_PROG_GET_FD_BY_ID, attributes);
    }
    return bpf(kind == "map" ? BPF_MAP_GET_FD_BY_ID : BPF_LINK_GET_FD_BY_ID, attributes);
}

bool object_exists(const std::string& kind, std::uint32_t id) {
    const Fd object(object_by_id(kind, id));
    return object.valid() || errno != ENOENT;
}

std::string program_name(std::uint32_t id) {
    const Fd program(object_by_id("prog", id));
    bpf_prog_info info{};
    bpf_attr attributes{};
    attributes.info.bpf_fd = static_cast<std::uint32_t>(program.get());
    attributes.info.info_len = sizeof info;
    attributes.info.info = reinterpret_cast<std::uint64_t>(&info);
    REQUIRE(bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0);
    return info.name;
}

// The lines "prog_id: 7" of a descriptor's fdinfo.
void add_ids(const fs::path& file, std::map<std::string, std::set<std::uint32_t>>& objects) {
    std::ifstream lines(file);
    std::string key;
    std::string value;
    while (lines >> key && std::getline(lines, value)) {
        const auto kind = key.substr(0, key.find("_id:"));
        if (key.size() > 4 && key.ends_with("_id:") && objects.count(kind) == 1) {
            objects.at(kind).insert(static_cast<std::uint32_t>(std::stoul(value)));
        }
    }
}

struct NamespaceRequest {
    nlmsghdr header{};
    rtgenmsg body{};
    std::array<char, 64> attributes{};

    void add(std::uint16_t type, std::int32_t value) {
        const std::size_t at = NLMSG_ALIGN(header.nlmsg_len);
        const rtattr attribute{static_cast<std::uint16_t>(RTA_LENGTH(sizeof value)), type};
        char* const bytes = reinterpret_cast<char*>(this);
        std::memcpy(bytes + at, &attribute, sizeof attribute);
        std::memcpy(bytes + at + RTA_LENGTH(0), &value, sizeof value);
        header.nlmsg_len = static_cast<std::uint32_t>(at + RTA_SPACE(sizeof value));
    }
};

Fd route_socket(const netns::Namespace& home) {
    Fd socket;
    REQUIRE(home.run([&]() -> Result<void> {
        socket.reset(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
        return {};
    }));
    REQUIRE(socket.valid());
    return socket;
}

std::int32_t ended_id(const nlmsghdr* message) {
    auto left = static_cast<int>(message->nlmsg_len - NLMSG_SPACE(sizeof(rtgenmsg)));
    const auto* begin = static_cast<const char*>(NLMSG_DATA(message)) + NLMSG_ALIGN(sizeof(rtgenmsg));
    std::int32_t id = -1;
    for (const auto* attribute = reinterpret_cast<const rtattr*>(begin); RTA_OK(attribute, left);
         attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == NETNSA_NSID) {
            std::memcpy(&id, RTA_DATA(attribute), sizeof id);
        }
    }
    return id;
}

}  // namespace

NamespaceWatch::NamespaceWatch()
    : home_(netns::Namespace::create().value()), requests_(route_socket(home_)), announcements_(route_socket(home_)) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    REQUIRE(::bind(announcements_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const int group = RTNLGRP_NSID;
    REQUIRE(::setsockopt(announcements_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0);
}

void NamespaceWatch::add(const Fd& ns) {
    const auto id = static_cast<std::int32_t>(watched_);
    NamespaceRequest request;
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.body);
    request.header.nlmsg_type = RTM_NEWNSID;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.body.rtgen_family = AF_UNSPEC;
    request.add(NETNSA_FD, ns.get());
    request.add(NETNSA_NSID, id);
    REQUIRE(::send(requests_.get(), &request, request.header.nlmsg_len, 0) == request.header.nlmsg_len);
    alignas(nlmsghdr) std::array<char, 512> answer;
    REQUIRE(::recv(requests_.get(), answer.data(), answer.size(), 0) >=
            static_cast<ssize_t>(NLMSG_LENGTH(sizeof(int))));
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
    REQUIRE(header->nlmsg_type == NLMSG_ERROR);
    REQUIRE(static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error == 0);
    alive_.insert(id);
    ++watched_;
}

void NamespaceWatch::take_announcements() {
    alignas(nlmsghdr) std::array<char, 8192> buffer;
    for (ssize_t got = 0; (got = ::recv(announcements_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
        auto left = static_cast<unsigned>(got);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type == RTM_DELNSID) {
                alive_.erase(ended_id(message));
            }
        }
    }
}

bool NamespaceWatch::all_ended() {
    take_announcements();
    return alive_.empty();
}

Remains::Remains(pid_t trace) : processes_{trace}, host_devices_(host_devices()) {
    const auto children = children_of(trace);
    processes_.insert(processes_.end(), children.begin(), children.end());
    find_objects();
    find_namespaces();
}

void Remains::find_objects() {
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(processes_.front()) + "/fdinfo")) {
        add_ids(entry.path(), objects_);
    }
}

// Each namespace that a process of the run is in or has a descriptor of, but the test's own.
void Remains::find_namespaces() {
    struct stat own {};
    REQUIRE(::stat("/proc/thread-self/ns/net", &own) == 0);
    std::set<ino_t> known{own.st_ino};
    for (const pid_t pid : processes_) {
        const fs::path process = "/proc/" + std::to_string(pid);
        std::vector<fs::path> candidates{process / "ns/net"};
        for (const auto& entry : fs::directory_iterator(process / "fd")) {
            std::error_code closed;
            if (fs::read_symlink(entry.path(), closed).string().starts_with("net:[")) {
                candidates.push_back(entry.path());
            }
        }
        for (const fs::path& candidate : candidates) {
            const Fd ns(::open(candidate.c_str(), O_RDONLY | O_CLOEXEC));
            struct stat status {};
            if (ns.valid() && ::fstat(ns.get(), &status) == 0 && known.insert(status.st_ino).second) {
                namespaces_.add(ns);
            }
        }
    }
}

std::set<std::string> Remains::program_names() const {
    std::set<std::string> names;
    for (const std::uint32_t id : objects_.at("prog")) {
        names.insert(program_name(id));
    }
    return names;
}

std::string Remains::left() {
    for (const pid_t pid : processes_) {
        if (is_running(pid)) {
            return "process " + command_of(pid);
        }
    }
    for (const auto& [kind, ids] : objects_) {
        for (const std::uint32_t id : ids) {
            if (object_exists(kind, id)) {
                return "BPF " + kind + " " + std::to_string(id);
            }
        }
    }
    if (!namespaces_.all_ended()) {
        return "a network namespace";
    }
    return host_devices() == host_devices_ ? "" : "a network device";
}

std::string Remains::left_after_waiting() {
    std::string what;
    becomes_true([&] { return (what = left()).empty(); });
    return what;
}

std::vector<std::string> host_devices() {
    std::vector<std::string> names;
    struct if_nameindex* const devices = ::if_nameindex();
    for (const struct if_nameindex* device = devices; device != nullptr && device->if_index != 0; ++device) {
        names.emplace_back(device->if_name);
    }
    ::if_freenameindex(devices);
    return names;
}

}  // namespace netio::e2e
