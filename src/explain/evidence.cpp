// SPDX-License-Identifier: MIT
#include "explain/evidence.h"

#include <fmt/format.h>

#include "base/text.h"

namespace netio::explain {

using ledger::LateGroup;
using ledger::Telling;

namespace {

const char* spell(Telling telling) {
    switch (telling) {
        case Telling::flagged:
            return "which clears the zero-copy bit";
        case Telling::clone:
            return "of a clone, whose zero-copy bit it clears";
        case Telling::silent:
            return "which tells nobody";
        case Telling::kernel:
            return "of bytes that the send call had copied";
        case Telling::unknown:
            break;
    }
    return "its call stack was lost";
}

const char* spell(model::Direction direction) {
    switch (direction) {
        case model::Direction::transmit:
            return "on the way out, at ";
        case model::Direction::receive:
            return "on arrival, at ";
        case model::Direction::unknown:
            break;
    }
    return "at ";
}

const char* on_or_off(bool on) {
    return on ? "on" : "off";
}

std::string spell(const model::DeviceFacts& device) {
    if (device.name.empty()) {
        return "an unseen device";
    }
    return fmt::format("{}: scatter-gather {}, checksums {}, segmentation {}", spell_device(device),
                       on_or_off(device.scatter_gather), on_or_off(device.checksum), on_or_off(device.segmentation));
}

}  // namespace

std::string spell_device(const model::DeviceFacts& device) {
    if (device.name.empty()) {
        return {};
    }
    return device.kind.empty() || device.kind == device.name ? device.name
                                                             : fmt::format("{} ({})", device.name, device.kind);
}

std::vector<std::string> evidence_of(const LateGroup& group) {
    std::vector<std::string> lines{fmt::format("{} B in {} copies by {}, {}, {}{}", format_count(group.bytes),
                                               format_count(group.copies),
                                               group.function.empty() ? "an unseen function" : group.function,
                                               spell(group.telling), spell(group.direction), spell(group.device))};
    if (!group.stack.empty()) {
        lines.push_back("stack: " + join(group.stack, " <- "));
    }
    return lines;
}

std::string evidence_of(const model::SocketFacts& socket, const model::Tally& tally) {
    return fmt::format("{} -> {} ({}): {} calls, {} B", socket.local, socket.remote, socket.protocol,
                       format_count(tally.calls), format_count(tally.bytes));
}

}  // namespace netio::explain
