// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "predict/rules.h"

// Ways that nobody has to build: facts as a survey would have found them.

namespace netio::predict {

inline constexpr KernelVersion new_kernel{6, 18};
inline constexpr KernelVersion old_kernel{6, 1};

inline const Place here{1, "the sender's namespace"};
inline const Place there{2, "the namespace of netio-client (pid 7)"};
inline const Place between{3, "the namespace router"};

inline Device able(const std::string& name, const std::string& kind) {
    Device device;
    device.name = name;
    device.kind = kind;
    device.mtu = 1500;
    device.features = {true, true, true, true, false, false};
    return device;
}

inline Step step(Step::Kind kind, const Place& place, const Device& device) {
    Step made;
    made.kind = kind;
    made.place = place;
    made.device = device;
    return made;
}

inline model::TapFacts tap(const std::string& command = "tcpdump", const std::string& device = "") {
    return {"", 4711, "all", 7, command, device};
}

inline Facts facts_of(std::vector<Step> way, KernelVersion kernel = new_kernel) {
    Facts facts;
    facts.target = {"10.99.0.2", 0, AF_INET};
    facts.kernel = kernel;
    facts.sender = here;
    facts.route.type = Route::Type::unicast;
    facts.route.device = "server0";
    facts.route.source = "10.99.0.1";
    facts.way = std::move(way);
    facts.limits = {131072, std::nullopt, true};
    return facts;
}

// A veth pair from one namespace to another, where the receiver is.
inline Facts over_veth(KernelVersion kernel = new_kernel) {
    return facts_of({step(Step::Kind::send, here, able("server0", "veth")),
                     step(Step::Kind::receive, there, able("client0", "veth")),
                     step(Step::Kind::deliver, there, able("client0", "veth"))},
                    kernel);
}

// Out through a real device.
inline Facts through_nic() {
    Device nic = able("eth0", "");
    nic.driver = "virtio_net";
    return facts_of({step(Step::Kind::send, here, nic), step(Step::Kind::leave, here, nic)});
}

// A veth pair to a namespace that forwards, and another from there to the receiver.
inline Facts through_router(KernelVersion kernel = new_kernel) {
    return facts_of({step(Step::Kind::send, here, able("server0", "veth")),
                     step(Step::Kind::receive, between, able("router0", "veth")),
                     step(Step::Kind::forward, between, able("router1", "veth")),
                     step(Step::Kind::send, between, able("router1", "veth")),
                     step(Step::Kind::receive, there, able("client0", "veth")),
                     step(Step::Kind::deliver, there, able("client0", "veth"))},
                    kernel);
}

}  // namespace netio::predict
