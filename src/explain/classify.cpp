// SPDX-License-Identifier: MIT
#include "explain/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>

#include "base/text.h"
#include "explain/causes.h"
#include "stats/ratio.h"

namespace netio::explain {

using ledger::LateGroup;
using model::Finding;
using model::Role;
using model::Site;

namespace {

bool is_any(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_frame(const LateGroup& group, std::string_view function) {
    return std::find(group.stack.begin(), group.stack.end(), function) != group.stack.end();
}

bool delivers_locally(const LateGroup& group) {
    return is_any(group.caller, {"ip_local_deliver_finish", "ip6_input_finish"});
}

// __netif_receive_skb_core copies for taps and, before Linux 6.17, for local delivery as well; deliver_skb is a part of
// it, inlined before Linux 7.
std::string cause_of_page_copy(const LateGroup& group, const std::vector<LateGroup>& others, bool receiver_tapped) {
    if (delivers_locally(group)) {
        return "local-delivery";
    }
    if (ledger::is_leaving(group) && is_any(group.caller, {"dev_queue_xmit_nit", "deliver_skb"})) {
        return "packet-tap";
    }
    if (group.caller == "deliver_skb") {
        return "packet-tap-on-arrival";
    }
    if (group.caller == "__netif_receive_skb_core") {
        const bool delivered_elsewhere = std::any_of(others.begin(), others.end(), delivers_locally);
        return delivered_elsewhere || receiver_tapped ? "packet-tap-on-arrival" : "local-delivery";
    }
    return "unclassified";
}

// The payload became linear before the driver got it. A checksum in software reads the same bytes, so the device's
// features decide between the two where both functions are on the stack.
std::string cause_of_linear_copy(const LateGroup& group) {
    const bool known_device = !group.device.name.empty();
    const bool linearises = is_any(group.function, {"skb_segment", "__pskb_pull_tail"}) ||
                            (group.function.empty() && group.direction == model::Direction::transmit);
    if (known_device && linearises && !group.device.scatter_gather) {
        return "no-scatter-gather";
    }
    if (group.function == "__pskb_pull_tail" &&
        (has_frame(group, "skb_checksum_help") || has_frame(group, "skb_segment"))) {
        return "no-checksum-offload";
    }
    if (group.function == "skb_segment" && !known_device) {
        return "no-scatter-gather";  // the probe records skb_segment only when it was called without NETIF_F_SG
    }
    return "unclassified";
}

std::string spell_device(const model::DeviceFacts& device) {
    if (device.name.empty()) {
        return {};
    }
    return device.kind.empty() || device.kind == device.name ? device.name
                                                             : fmt::format("{} ({})", device.name, device.kind);
}

// Whether a tap gets every packet at that end: it is in its namespace, which over lo is the one of both.
bool listens(const model::TapFacts& tap, const model::Capture& capture, Role end) {
    const Role owner = capture.spec.path == model::Path::lo ? Role::server : end;
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

Finding finding_of(const std::string& id, const std::vector<const LateGroup*>& groups, const model::Capture& capture,
                   const model::Figure<std::uint64_t>& payload) {
    Finding finding;
    finding.cause = id;
    std::uint64_t bytes = 0;
    for (const LateGroup* group : groups) {
        bytes += group->bytes;
        finding.calls += group->copies;
        finding.silent = finding.silent || group->telling == ledger::Telling::silent;
    }
    finding.bytes = bytes;
    finding.share = stats::safe_ratio(bytes, transmitted_bytes(capture, payload)).value_or(0);
    finding.device = spell_device(groups.front()->device);
    finding.stack = groups.front()->stack;
    if (id == "packet-tap" || id == "packet-tap-on-arrival") {
        finding.who = tap_owners(capture, id == "packet-tap" ? Role::server : Role::client);
    }
    finding.sentence = cause(id).meaning;
    finding.remedy = remedy_for(id, groups.front()->device);
    return finding;
}

// Zero-copy calls that the kernel turned into ordinary ones.
void find_refused_calls(const model::Capture& capture, const model::Figure<std::uint64_t>& payload,
                        std::vector<Finding>& findings) {
    const std::pair<Site, const char*> rows[] = {{Site::send_not_opted_in, "not-opted-in"},
                                                 {Site::send_route_without_sg, "route-without-scatter-gather"}};
    for (const auto& [site, id] : rows) {
        const auto tally = ledger::total(capture, Role::server, site);
        if (tally.calls == 0) {
            continue;
        }
        Finding finding;
        finding.cause = id;
        finding.bytes = tally.bytes;
        finding.calls = tally.calls;
        finding.share = stats::safe_ratio(tally.bytes, payload).value_or(0);
        finding.silent = site == Site::send_not_opted_in;
        finding.sentence = cause(id).meaning;
        finding.remedy = cause(id).remedy;
        findings.push_back(std::move(finding));
    }
}

// Late copies stand between what the send call took and what the receiver got.
void insert_account(model::Ledger& ledger, model::Account account) {
    const auto before = std::find_if(ledger.accounts.begin(), ledger.accounts.end(), [](const model::Account& other) {
        return other.id == "left.uncopied" || other.id == "received.copied";
    });
    ledger.accounts.insert(before, std::move(account));
}

}  // namespace

std::string cause_of(const LateGroup& group, const std::vector<LateGroup>& others, bool receiver_tapped) {
    if (group.function == "skb_copy_ubufs") {
        return cause_of_page_copy(group, others, receiver_tapped);
    }
    return cause_of_linear_copy(group);
}

std::vector<Finding> find_causes(const model::Capture& capture, ledger::Books& books) {
    std::map<std::string, std::vector<const LateGroup*>> by_cause;
    std::vector<std::string> order;  // of first, that is largest, appearance
    for (const LateGroup& group : books.late) {
        const std::string id = cause_of(group, books.late, is_tapped(capture, Role::client));
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
    find_refused_calls(capture, payload, findings);
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.bytes.value_or(0) > b.bytes.value_or(0); });
    return findings;
}

}  // namespace netio::explain
