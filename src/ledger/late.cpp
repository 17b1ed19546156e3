// SPDX-License-Identifier: MIT
#include <algorithm>
#include <set>
#include <string_view>

#include "ledger/books.h"
#include "ledger/late.h"
#include "stats/ratio.h"

namespace netio::ledger {

using model::LateCopyFacts;

namespace {

bool has_frame(const LateGroup& group, std::string_view function) {
    return std::find(group.stack.begin(), group.stack.end(), function) != group.stack.end();
}

// Callers that hand a clone to somebody else and let the packet go on as it is: packet taps on the way out, which
// dev_queue_xmit_nit serves, in part by deliver_skb, and transmit time stamps with payload. On the way in deliver_skb
// hands over the packet itself (net/core/dev.c).
bool takes_clone(const LateGroup& group) {
    return group.caller == "dev_queue_xmit_nit" || group.caller == "__skb_tstamp_tx" ||
           (group.caller == "deliver_skb" && is_leaving(group));
}

bool is_flagging(std::string_view function) {
    // An area is only made as large as the packet (pskb_expand_head) in order to pull all of it.
    return function == "skb_copy_ubufs" || function == "__pskb_pull_tail" || function == "pskb_expand_head";
}

Telling telling_of(const LateGroup& group, bool user_pages) {
    if (!user_pages) {
        return Telling::kernel;
    }
    if (group.function.empty()) {
        return Telling::unknown;
    }
    if (!is_flagging(group.function)) {
        return Telling::silent;
    }
    return takes_clone(group) ? Telling::clone : Telling::flagged;
}

model::DeviceFacts device_of(const model::Capture& capture, std::uint64_t key) {
    const auto found = std::find_if(capture.devices.begin(), capture.devices.end(),
                                    [key](const model::DeviceFacts& device) { return device.key == key; });
    return found == capture.devices.end() ? model::DeviceFacts{} : *found;
}

// BPF programs and tracing glue that may stand between a function and its caller.
bool is_glue(std::string_view function) {
    return function.starts_with("bpf_") || function == "?";
}

std::string caller_in(const std::vector<std::string>& stack) {
    for (std::size_t i = 1; i < stack.size(); ++i) {
        if (!is_glue(stack[i])) {
            return stack[i];
        }
    }
    return {};
}

LateGroup group_of(const model::Capture& capture, const LateCopyFacts& facts) {
    LateGroup group;
    group.function = facts.stack.empty() ? std::string{} : facts.stack.front();
    group.caller = caller_in(facts.stack);
    group.device = device_of(capture, facts.device);
    group.direction = facts.direction;
    group.stack = facts.stack;
    group.telling = telling_of(group, facts.user_pages);
    return group;
}

bool same_group(const LateGroup& a, const LateGroup& b) {
    return a.function == b.function && a.caller == b.caller && a.device.key == b.device.key &&
           a.direction == b.direction && a.telling == b.telling;
}

void add(LateGroup& group, const LateCopyFacts& facts) {
    group.copies += facts.copies;
    group.bytes += facts.bytes;
    const auto at = std::lower_bound(group.slots.begin(), group.slots.end(), facts.slot);
    if (at == group.slots.end() || *at != facts.slot) {
        group.slots.insert(at, facts.slot);
    }
}

std::string device_name(const LateGroup& group) {
    return group.device.kind.empty() || group.device.kind == group.device.name ? group.device.name : group.device.kind;
}

std::string where_of(const LateGroup& group) {
    std::string where = group.function.empty() ? "call stack lost" : group.function;
    if (!group.caller.empty()) {
        where += " <- " + group.caller;
    }
    const std::string device = device_name(group);
    return device.empty() ? where : where + ", " + device;
}

}  // namespace

bool is_leaving(const LateGroup& group) {
    return group.direction == model::Direction::transmit || has_frame(group, "dev_queue_xmit_nit");
}

std::uint64_t bytes_by(const Books& books, Telling telling) {
    std::uint64_t bytes = 0;
    for (const LateGroup& group : books.late) {
        bytes += group.telling == telling ? group.bytes : 0;
    }
    return bytes;
}

std::vector<LateGroup> group_late_copies(const model::Capture& capture) {
    std::vector<LateGroup> groups;
    for (const LateCopyFacts& facts : capture.late_copies) {
        const LateGroup fresh = group_of(capture, facts);
        auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const LateGroup& group) { return same_group(group, fresh); });
        if (found == groups.end()) {
            groups.push_back(fresh);
            found = std::prev(groups.end());
        }
        add(*found, facts);
    }
    std::stable_sort(groups.begin(), groups.end(),
                     [](const LateGroup& a, const LateGroup& b) { return a.bytes > b.bytes; });
    return groups;
}

model::Account late_account(const std::string& cause, const std::vector<const LateGroup*>& groups,
                            const model::Figure<std::uint64_t>& payload_bytes) {
    model::Account account;
    std::uint64_t bytes = 0;
    std::uint64_t copies = 0;
    bool silent = false;
    for (const LateGroup* group : groups) {
        bytes += group->bytes;
        copies += group->copies;
        silent = silent || group->telling == Telling::silent;
    }
    account.id = "late." + cause;
    account.stage = "inside the kernel";
    account.what = silent ? "copied silently" : "copied late";
    account.bytes = bytes;
    account.calls = copies;
    account.copies_per_byte = stats::safe_ratio(bytes, payload_bytes, "nothing was sent");
    account.where = groups.empty() ? std::string{} : where_of(*groups.front());
    return account;
}

}  // namespace netio::ledger
