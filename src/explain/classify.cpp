// SPDX-License-Identifier: MIT
#include "explain/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "explain/causes.h"
#include "explain/evidence.h"
#include "explain/refusals.h"
#include "stats/ratio.h"

namespace netio::explain {

using ledger::LateGroup;
using model::Finding;
using model::Role;
using model::Site;

namespace {

// Whether both ends are in one network namespace.
bool share_namespace(const model::Capture& capture) {
    const auto namespace_of = [&](Role role) -> std::uint64_t {
        const auto socket = std::find_if(capture.sockets.begin(), capture.sockets.end(),
                                         [&](const model::SocketFacts& facts) { return facts.role == role; });
        return socket == capture.sockets.end() ? 0 : socket->netns;
    };
    return capture.spec.path == model::Path::lo ||
           (namespace_of(Role::server) != 0 && namespace_of(Role::server) == namespace_of(Role::client));
}

// Whether a tap gets every packet at that end.
bool listens(const model::TapFacts& tap, const model::Capture& capture, Role end) {
    const Role owner = share_namespace(capture) ? Role::server : end;
    return tap.protocol == "all" && tap.namespace_of == model::name_in(model::role_names, owner);
}

bool is_tapped(const model::Capture& capture, Role end) {
    return std::any_of(capture.taps.begin(), capture.taps.end(),
                       [&](const model::TapFacts& tap) { return listens(tap, capture, end); });
}

// The owners of the taps that can have caused it.
std::string tap_owners(const model::Capture& capture, Role end) {
    std::vector<std::string> owners;
    for (const auto& tap : capture.taps) {
        if (!listens(tap, capture, end)) {
            continue;
        }
        const std::string owner = tap.pid != 0 ? fmt::format("{} (pid {})", tap.command, tap.pid)
                                               : fmt::format("an unseen process (socket {})", tap.inode);
        if (std::find(owners.begin(), owners.end(), owner) == owners.end()) {
            owners.push_back(owner);
        }
    }
    return owners.empty() ? "a packet socket that was not found" : join(owners, ", ");
}

// What went out: the payload, and again what was retransmitted, which is copied again as well.
model::Figure<std::uint64_t> transmitted_bytes(const model::Capture& capture,
                                               const model::Figure<std::uint64_t>& payload) {
    const auto again = ledger::total(capture, Role::server, Site::retransmitted).bytes;
    return payload.measured() ? model::Figure<std::uint64_t>(payload.value() + again) : payload;
}

// The remedy with the device's name in its commands, so that they can be copied.
std::string remedy_for(const std::string& id, const model::DeviceFacts& device) {
    constexpr std::string_view placeholder = "DEVICE";
    std::string remedy = cause(id).remedy;
    const auto at = remedy.find(placeholder);
    if (at != std::string::npos && !device.name.empty()) {
        remedy.replace(at, placeholder.size(), device.name);
    }
    return remedy;
}

void append(std::vector<std::string>& lines, const std::vector<std::string>& more) {
    lines.insert(lines.end(), more.begin(), more.end());
}

Finding finding_of(const std::string& id, const std::vector<const LateGroup*>& groups, const model::Capture& capture,
                   const model::Figure<std::uint64_t>& payload) {
    Finding finding;
    finding.cause = id;
    std::uint64_t bytes = 0;
    for (const LateGroup* group : groups) {
        bytes += group->bytes;
        finding.calls += group->copies;
        finding.silent = finding.silent || group->telling == ledger::Telling::silent;
        append(finding.evidence, evidence_of(*group));
    }
    finding.bytes = bytes;
    finding.share = stats::safe_ratio(bytes, transmitted_bytes(capture, payload)).value_or(0);
    finding.device = spell_device(groups.front()->device);
    finding.stack = groups.front()->stack;
    if (id == "packet-tap" || id == "packet-tap-on-arrival") {
        finding.who = tap_owners(capture, id == "packet-tap" ? Role::server : Role::client);
    }
    finding.sentence = cause(id).meaning;
    finding.evidence_wanted = cause(id).evidence;
    finding.remedy = remedy_for(id, groups.front()->device);
    return finding;
}

Scene scene_of(const model::Capture& capture) {
    Scene scene;
    scene.receiver_tapped = is_tapped(capture, Role::client);
    for (const auto& socket : capture.sockets) {
        if (socket.netns != 0) {
            scene.end_namespaces.push_back(socket.netns);
        }
    }
    return scene;
}

// Late copies stand between what the send call took and what the receiver got.
void insert_account(model::Ledger& ledger, model::Account account) {
    const auto before = std::find_if(ledger.accounts.begin(), ledger.accounts.end(), [](const model::Account& other) {
        return other.id == "left.uncopied" || ledger::is_of_receiver(other);
    });
    ledger.accounts.insert(before, std::move(account));
}

}  // namespace

std::string cause_of(const LateGroup& group, const std::vector<LateGroup>& others, const Scene& scene) {
    for (const Cause& row : causes()) {
        const bool fits = std::any_of(row.rules.begin(), row.rules.end(),
                                      [&](const Rule& rule) { return matches(rule, group, others, scene); });
        if (fits) {
            return row.id;
        }
    }
    return "unclassified";
}

std::vector<Finding> find_causes(const model::Capture& capture, ledger::Books& books) {
    std::map<std::string, std::vector<const LateGroup*>> by_cause;
    std::vector<std::string> order;  // of first, that is largest, appearance
    const Scene scene = scene_of(capture);
    for (const LateGroup& group : books.late) {
        const std::string id = cause_of(group, books.late, scene);
        if (by_cause[id].empty()) {
            order.push_back(id);
        }
        by_cause[id].push_back(&group);
    }
    const auto& payload = books.ledger.payload_bytes;
    std::vector<Finding> findings;
    for (const std::string& id : order) {
        findings.push_back(finding_of(id, by_cause[id], capture, payload));
        insert_account(books.ledger, ledger::late_account(id, by_cause[id], payload));
    }
    const auto refused = find_refusals(capture, books);
    findings.insert(findings.end(), refused.begin(), refused.end());
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.bytes.value_or(0) > b.bytes.value_or(0); });
    return findings;
}

}  // namespace netio::explain
