// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "netns/netns.h"

// What a run of netio-trace holds while it lasts, and whether any of it is left afterwards. Everything is taken from
// the run's own processes and descriptors, so that other runs on the machine neither hide a leak nor look like one.

namespace netio::e2e {

// Tells when network namespaces end, without keeping them: the kernel gives each an id in a private namespace of the
// test (RTM_NEWNSID), takes the id back when the namespace is taken down, and announces that (RTM_DELNSID,
// net/core/net_namespace.c, cleanup_net). The devices of a namespace go with it.
class NamespaceWatch {
 public:
    NamespaceWatch();
    void add(const Fd& ns);
    std::size_t size() const { return watched_; }
    bool all_ended();

 private:
    void take_announcements();

    netns::Namespace home_;
    Fd requests_;
    Fd announcements_;
    std::set<std::int32_t> alive_;
    std::size_t watched_ = 0;
};

class Remains {
 public:
    // Of a netio-trace in the middle of its run.
    explicit Remains(pid_t trace);

    std::size_t namespaces() const { return namespaces_.size(); }
    std::size_t processes() const { return processes_.size(); }
    // Ids of BPF objects by what they are: "prog", "map", "link".
    const std::set<std::uint32_t>& objects(const std::string& kind) const { return objects_.at(kind); }
    std::set<std::string> program_names() const;

    // Waits until all is gone; else names what is left.
    std::string left_after_waiting();

 private:
    void find_objects();
    void find_namespaces();
    std::string left();

    std::vector<pid_t> processes_;  // netio-trace first
    std::map<std::string, std::set<std::uint32_t>> objects_{{"prog", {}}, {"map", {}}, {"link", {}}};
    NamespaceWatch namespaces_;
    std::vector<std::string> host_devices_;
};

// Network devices of the namespace that the test runs in.
std::vector<std::string> host_devices();

}  // namespace netio::e2e
