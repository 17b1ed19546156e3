// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "model/capture.h"

// Captures made by hand: facts that fit together, for a test to take one away or to change one.

namespace netio::test {

inline constexpr std::uint64_t calls = 23;
inline constexpr std::uint64_t payload = calls * 4093;  // 94 139, "94.1 kB"
inline constexpr std::uint64_t sender_key = 0xa1;
inline constexpr std::uint64_t receiver_key = 0xb2;

inline model::ProbeFacts attached_probe(std::string id, bool required) {
    model::ProbeFacts facts;
    facts.probe = std::move(id);
    facts.meaning = "what " + facts.probe + " shows";
    facts.required = required;
    facts.tier = model::Tier::tracepoint;
    return facts;
}

inline model::DeviceFacts veth_device(std::uint64_t key, std::string name) {
    model::DeviceFacts device;
    device.key = key;
    device.name = std::move(name);
    device.kind = "veth";
    return device;
}

inline model::SocketFacts traced_socket(std::uint32_t slot, model::Role role) {
    model::SocketFacts facts;
    facts.slot = slot;
    facts.role = role;
    return facts;
}

inline model::ProbeFacts& probe_named(model::Capture& capture, std::string_view id) {
    for (auto& probe : capture.probes) {
        if (probe.probe == id) {
            return probe;
        }
    }
    throw std::logic_error("no such probe in the fixture");
}

inline constexpr auto refusal = "fentry/function: Operation not permitted (EPERM)";

inline void take_away(model::Capture& capture, std::string_view id) {
    auto& probe = probe_named(capture, id);
    probe.tier = model::Tier::none;
    probe.refused = {"kprobe/first: No such file or directory (ENOENT)", refusal};
}

// One connection; both ends say `payload` bytes; all probes attached; sockets that saw nothing yet.
inline model::Capture empty_capture(model::CopyMode mode) {
    model::Capture capture;
    capture.spec.mode = mode;
    capture.spec.size_bytes = 4093;
    capture.spec.messages = calls;
    capture.client.role = model::Role::client;
    capture.server.wall_ns = capture.client.wall_ns = 1'000'000;
    for (auto* side : {&capture.server, &capture.client}) {
        side->connections.resize(1);
        side->connections[0].bytes = payload;
        side->connections[0].messages = side->connections[0].calls = calls;
    }
    for (const char* id : {"send-call", "late-copy", "linearise", "completion", "receive-call"}) {
        capture.probes.push_back(attached_probe(id, true));
    }
    for (const char* id : {"packet-path", "retransmit"}) {
        capture.probes.push_back(attached_probe(id, false));
    }
    capture.sockets = {traced_socket(0, model::Role::server), traced_socket(1, model::Role::client)};
    capture.sockets[1].sites[model::Site::receive_copied] = {29, payload};
    capture.devices = {veth_device(sender_key, "server0"), veth_device(receiver_key, "client0")};
    return capture;
}

// Ordinary sends, copied in and copied out.
inline model::Capture copying_capture(model::CopyMode mode) {
    model::Capture capture = empty_capture(mode);
    capture.sockets[0].sites[model::Site::send_copied] = {calls, payload};
    if (mode == model::CopyMode::two_copy) {
        capture.server.connections[0].program_copied_bytes = payload;
    }
    return capture;
}

inline model::LateCopyFacts late_copy(std::vector<std::string> stack, std::uint64_t bytes,
                                      std::uint64_t device = receiver_key,
                                      model::Direction direction = model::Direction::receive) {
    model::LateCopyFacts facts;
    facts.device = device;
    facts.direction = direction;
    facts.copies = calls;
    facts.bytes = bytes;
    facts.stack = std::move(stack);
    return facts;
}

// Zero-copy sends that reach the driver in user pages and leave this machine: nothing is copied on the sending side.
inline model::Capture uncopied_capture() {
    model::Capture capture = empty_capture(model::CopyMode::zerocopy);
    auto& sites = capture.sockets[0].sites;
    sites[model::Site::send_pinned] = {calls, payload};
    sites[model::Site::completed_zerocopy] = {calls, payload};
    sites[model::Site::transmit_queued] = sites[model::Site::transmit_zerocopy] = {31, payload};
    capture.server.connections[0].error_queue = {3, calls, 0};
    return capture;
}

// Zero-copy over veth: all of it copied late for local delivery, and everybody says so.
inline model::Capture delivered_capture() {
    model::Capture capture = uncopied_capture();
    auto& sites = capture.sockets[0].sites;
    sites.erase(model::Site::completed_zerocopy);
    sites[model::Site::completed_copied] = {calls, payload};
    sites[model::Site::receive_zerocopy] = {31, payload};
    capture.server.connections[0].error_queue = {3, 0, calls};
    capture.late_copies = {late_copy({"skb_copy_ubufs", "ip_local_deliver_finish", "process_backlog"}, payload)};
    return capture;
}

// The same with a sniffer in the sender's namespace, which has a copy of its own of every packet.
inline model::Capture tapped_capture() {
    model::Capture capture = delivered_capture();
    capture.late_copies.push_back(late_copy({"skb_copy_ubufs", "dev_queue_xmit_nit", "dev_hard_start_xmit"}, payload,
                                            sender_key, model::Direction::transmit));
    model::TapFacts tap;
    tap.namespace_of = "server";
    tap.protocol = "all";
    tap.pid = 4711;
    tap.command = "tcpdump";
    tap.inode = 99;
    capture.taps = {tap};
    return capture;
}

}  // namespace netio::test
