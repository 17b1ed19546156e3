// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/capture.h"

// What is known, before anything is sent, of the way that a packet will take. Passive data: src/predict/survey.h
// collects it, and src/predict/rules.h says what follows from it.

namespace netio::predict {

// Where to send: the words of `--to`.
struct Target {
    std::string address;
    std::uint16_t port = 0;  // 0: any
    int family = 0;          // AF_INET or AF_INET6
};

// A network namespace, as a reader can find it again.
struct Place {
    std::uint64_t inode = 0;  // "net:[inode]" of /proc/<pid>/ns/net; 0: not known
    std::string name;         // "the sender's namespace", "the namespace of netio-client (pid 7)"
    bool operator==(const Place&) const = default;
};

// What was looked up for an address (rtnetlink(7), RTM_GETROUTE).
struct Route {
    enum class Type : std::uint8_t { unicast, local, other };
    Type type = Type::other;
    std::string device;
    std::uint32_t index = 0;
    std::string gateway;    // empty: the address itself is the neighbour
    std::string source;     // empty: the kernel names none
    std::uint32_t mtu = 0;  // of the route itself, where it has one; 0: the device's
    std::string refusal;    // the kernel's word for why there is none; empty: there is one
    bool operator==(const Route&) const = default;
};

enum class Xdp : std::uint8_t { none, native, generic, offloaded };

// What a device may do in place of the network stack, for packets of the family that is sent (ethtool -k).
struct Features {
    bool known = false;
    bool scatter_gather = false;
    bool checksum = false;
    bool segmentation = false;
    bool tunnel = false;  // of UDP tunnels, with their checksums
    bool ipsec = false;   // ESP
};

struct Device {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;    // of rtnetlink: "veth", "vxlan"; empty: a real one, or one of a hypervisor, or lo
    std::string driver;  // of a device without a kind
    bool loopback = false;
    bool up = true;
    std::uint32_t mtu = 0;
    Features features;
    Xdp xdp = Xdp::none;
    std::string qdisc;                // of the root
    double corrupted = 0;             // share of packets that netem corrupts, 0 to 1
    bool encrypts_by_itself = false;  // MACsec that is the NIC's
};

// A rule that may make the kernel want payload.
struct FirewallRule {
    std::string cause;  // that it may bring about
    std::string table;
    bool operator==(const FirewallRule&) const = default;
};

// One thing that happens to the packet on its way.
struct Step {
    enum class Kind : std::uint8_t {
        send,     // a device sends it
        receive,  // a device receives it
        forward,  // a namespace passes it on to where its route leads
        deliver,  // a namespace gives it to a socket
        process,  // a process reads it from the device
        leave,    // the driver of a device takes it off this machine
        vanish,   // it goes no further: no route, a device that is down
        unseen,   // what comes next could not be looked at
    };
    Kind kind = Kind::send;
    Place place;
    Device device;
    bool wrapped = false;               // it goes inside of a tunnel's packet
    std::vector<std::string> programs;  // filters of tc that see it here, by name
    std::vector<model::TapFacts> taps;  // packet sockets that see it here
    std::vector<FirewallRule> rules;    // of the namespace, where they see it
    std::string note;                   // where the kind alone does not tell what happens
};

// What a call that takes MSG_ZEROCOPY is bounded by.
struct Limits {
    std::optional<std::uint64_t> option_memory_bytes;  // net.core.optmem_max of the sender's namespace
    std::optional<std::uint64_t> locked_memory_bytes;  // RLIMIT_MEMLOCK, of the process that was asked for or this one
    bool locked_memory_skipped = false;                // CAP_IPC_LOCK
};

// What could not be seen, with the causes (ids of docs/causes.json) that may hide there.
struct Unknown {
    std::string what;
    std::vector<std::string> causes;
};

// Of the running kernel.
struct KernelVersion {
    int major = 0;
    int minor = 0;
    bool is_at_least(const KernelVersion& other) const {
        return major != other.major ? major > other.major : minor >= other.minor;
    }
};

struct Facts {
    Target target;
    std::string kernel_release;
    KernelVersion kernel;
    Place sender;
    Route route;  // the first, of the sender
    std::vector<Step> way;
    std::vector<model::TapFacts> taps;  // of all namespaces, each with the name of its place
    bool may_be_cut = false;            // the sender lets routers cut its packets (net.ipv4.ip_no_pmtu_disc)
    bool ipsec = false;                 // a policy of the sender's namespace asks for IPsec
    Limits limits;
    std::vector<Unknown> unknown;
};

}  // namespace netio::predict
