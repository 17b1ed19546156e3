// SPDX-License-Identifier: MIT
#include "predict/survey.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/files.h"
#include "base/text.h"
#include "kernel/limits.h"
#include "predict/walk.h"

namespace netio::predict {

namespace {

void read_kernel(Facts& facts) {
    utsname names{};
    ::uname(&names);
    facts.kernel_release = static_cast<const char*>(names.release);
    // NOLINTNEXTLINE(cert-err34-c): a release that is none leaves both at 0, the oldest kernel there is
    std::sscanf(facts.kernel_release.c_str(), "%d.%d", &facts.kernel.major, &facts.kernel.minor);
}

void read_limits(Facts& facts, const Room& room, pid_t process) {
    const kernel::Root root;
    const pid_t whose = process != 0 ? process : ::getpid();
    const auto read_option_memory = [&]() -> Result<void> {
        const auto bytes = kernel::optmem_max(root);
        facts.limits.option_memory_bytes = bytes ? std::optional(*bytes) : std::nullopt;
        return {};
    };
    (void)room.run(read_option_memory);
    if (!facts.limits.option_memory_bytes) {  // before Linux 6.8 there is one for all, which only the first one shows
        (void)read_option_memory();
    }
    if (const auto bytes = kernel::memlock_limit(root, whose)) {
        facts.limits.locked_memory_bytes = *bytes;
    }
    facts.limits.locked_memory_skipped = kernel::may_lock_memory(root, whose).value_or(false);
}

// Older kernels give every packet to the taps of every namespace.
void read_taps(Facts& facts, World& world) {
    for (const auto& room : world.rooms()) {
        const auto taps = room->taps();
        facts.taps.insert(facts.taps.end(), taps.begin(), taps.end());
    }
}

void note_unread_firewalls(Facts& facts, World& world) {
    for (const auto& room : world.rooms()) {
        const bool passed = std::any_of(facts.way.begin(), facts.way.end(),
                                        [&](const Step& step) { return step.place == room->place(); });
        if (passed && room->has_unread_firewall()) {
            facts.unknown.push_back({"the rules of iptables in " + room->place().name,
                                     {"connection-helper", "firewall-checksum", "queued-to-process", "private-copy"}});
        }
    }
}

void note_closed(Facts& facts, const World& world) {
    if (::geteuid() != 0) {
        facts.unknown.push_back(
            {"without root: other network namespaces and the taps in them, firewall rules, and the "
             "policies of IPsec",
             {"packet-tap", "connection-helper", "firewall-checksum", "queued-to-process", "private-copy", "ipsec"}});
    } else if (world.closed() != 0) {
        facts.unknown.push_back(
            {fmt::format("{} network namespaces that may not be entered", world.closed()), {"packet-tap"}});
    }
}

}  // namespace

Result<std::string> source_address(const netns::Namespace& from, const std::string& address) {
    auto target = parse_target(address);
    auto copy = target ? netns::Namespace::duplicate(from) : Unexpected(target.error());
    auto room = copy ? Room::open(std::move(*copy), false, "a namespace") : Unexpected(copy.error());
    if (!room) {
        return Unexpected(room.error());
    }
    const Route route = room->look_up(target->family, target->address, 0, 0);
    return route.source.empty() ? fail("cannot find the way back to " + address, route.refusal)
                                : Result<std::string>(route.source);
}

Result<Facts> survey(Sender sender, const Target& target) {
    auto world = World::look_around(std::move(sender.ns));
    if (!world) {
        return Unexpected(world.error());
    }
    Facts facts;
    facts.target = target;
    read_kernel(facts);
    facts.sender = world->sender().place();
    facts.may_be_cut = world->sender().setting("ipv4/ip_no_pmtu_disc") == "1";
    if (auto walked = walk(*world, facts); !walked) {
        return Unexpected(walked.error());
    }
    read_limits(facts, world->sender(), sender.process);
    read_taps(facts, *world);
    note_unread_firewalls(facts, *world);
    note_closed(facts, *world);
    return facts;
}

}  // namespace netio::predict
