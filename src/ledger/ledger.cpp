// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/words.h"
#include "ledger/books.h"
#include "ledger/late.h"
#include "ledger/layers.h"
#include "stats/ratio.h"

namespace netio::ledger {

using model::Account;
using model::Balance;
using model::Capture;
using model::Figure;
using model::Role;
using model::Site;
using model::Tally;

using Bytes = Figure<std::uint64_t>;

namespace {

std::uint64_t program_bytes(const model::WorkloadResult& result) {
    std::uint64_t sum = 0;
    for (const auto& connection : result.connections) {
        sum += connection.bytes;
    }
    return sum;
}

std::uint64_t serialised_bytes(const Capture& capture) {
    std::uint64_t sum = 0;
    for (const auto& connection : capture.server.connections) {
        sum += connection.program_copied_bytes;
    }
    return sum;
}

std::uint64_t sent_messages(const Capture& capture) {
    std::uint64_t sum = 0;
    for (const auto& connection : capture.server.connections) {
        sum += connection.messages;
    }
    return sum;
}

std::uint64_t unread_completions(const Capture& capture) {
    std::uint64_t sum = 0;
    for (const auto& connection : capture.server.connections) {
        sum += connection.unread_completions;
    }
    return sum;
}

Tally sum_of(const Capture& capture, Role role, std::initializer_list<Site> sites) {
    Tally sum;
    for (const Site site : sites) {
        sum += total(capture, role, site);
    }
    return sum;
}

// A count of a probe as a figure, or why there is none.
Bytes seen(const Capture& capture, std::string_view probe, std::uint64_t count) {
    if (!attached(capture, probe)) {
        return Bytes::missing(why_missing(capture, probe));
    }
    const std::string unseen = why_unseen(capture, probe);
    return unseen.empty() ? Bytes(count) : Bytes::missing(unseen);
}

Bytes bytes_seen(const Capture& capture, std::string_view probe, const Tally& tally) {
    return seen(capture, probe, tally.bytes);
}

Bytes calls_seen(const Capture& capture, std::string_view probe, const Tally& tally) {
    return seen(capture, probe, tally.calls);
}

Account make_account(std::string id, std::string stage, std::string what, Bytes bytes, Bytes calls, std::string where) {
    Account account;
    account.id = std::move(id);
    account.stage = std::move(stage);
    account.what = std::move(what);
    account.bytes = std::move(bytes);
    account.calls = std::move(calls);
    account.where = std::move(where);
    account.copies_per_byte = 0.0;
    return account;
}

Balance make_balance(std::string id, std::string equation, Bytes left, Bytes right) {
    Balance balance{std::move(id), std::move(equation), std::move(left), std::move(right), {}};
    if (!balance.left.measured()) {
        balance.unexplained = Bytes::missing(balance.left.reason());
    } else if (!balance.right.measured()) {
        balance.unexplained = Bytes::missing(balance.right.reason());
    } else {
        const std::uint64_t l = balance.left.value();
        const std::uint64_t r = balance.right.value();
        balance.unexplained = l > r ? l - r : r - l;
    }
    return balance;
}

// All that send calls took.
constexpr auto send_sites = {Site::send_copied,    Site::send_not_opted_in, Site::send_route_without_sg,
                             Site::send_fast_open, Site::send_in_syn,       Site::send_pinned,
                             Site::send_spliced};
// What of it gets a completion.
constexpr auto completing_sites = {Site::send_route_without_sg, Site::send_fast_open, Site::send_in_syn,
                                   Site::send_pinned};

// What one call site of the sending side contributes; left out where it saw nothing and was not asked for.
struct SendRow {
    const char* id;
    const char* what;
    const char* where;
    Site site;
    bool copies;
};
constexpr SendRow send_rows[] = {
    {"sent.copied", "copied", "tcp_sendmsg_locked", Site::send_copied, true},
    {"sent.not-opted-in", "copied", "tcp_sendmsg_locked, flag ignored", Site::send_not_opted_in, true},
    {"sent.route-without-sg", "copied", "tcp_sendmsg_locked, no SG on the route", Site::send_route_without_sg, true},
    {"sent.fast-open", "copied", "tcp_sendmsg_locked, not connected", Site::send_fast_open, true},
    {"sent.in-syn", "copied", "tcp_send_syn_data", Site::send_in_syn, true},
    {"sent.pinned", "pinned", "skb_zerocopy_iter_stream", Site::send_pinned, false},
    {"sent.spliced", "referenced", "skb_splice_from_iter", Site::send_spliced, false},
};

Site expected_site(model::CopyMode mode) {
    return mode == model::CopyMode::zerocopy ? Site::send_pinned : Site::send_copied;
}

void add_send_accounts(const Capture& capture, model::Ledger& ledger) {
    const std::uint64_t serialised = serialised_bytes(capture);
    if (serialised != 0) {
        auto account = make_account("program.serialised", "in the program", "copied", serialised,
                                    sent_messages(capture), "fields into one buffer");
        account.copies_per_byte = stats::safe_ratio(serialised, ledger.payload_bytes, "nothing was sent");
        ledger.accounts.push_back(std::move(account));
    }
    const bool seen = attached(capture, "send-call") && why_unseen(capture, "send-call").empty();
    for (const SendRow& row : send_rows) {
        const Tally tally = total(capture, Role::server, row.site);
        const bool expected = row.site == expected_site(capture.spec.mode);
        if (tally.bytes == 0 && (seen || !expected)) {
            continue;
        }
        auto account = make_account(row.id, "program -> kernel", row.what, bytes_seen(capture, "send-call", tally),
                                    calls_seen(capture, "send-call", tally),
                                    row.site == Site::send_copied ? where_copied(capture) : row.where);
        // A reference adds no copy; but without the bytes it is not known that there were references only.
        if (row.copies || !account.bytes.measured()) {
            account.copies_per_byte = stats::safe_ratio(account.bytes, ledger.payload_bytes, "nothing was sent");
        }
        ledger.accounts.push_back(std::move(account));
    }
}

// Whether the copy was made inside of a driver's transmit function: it is nearer to the copy than any function that
// prepares a packet for the driver.
bool is_in_transmission(const LateGroup& group) {
    if (group.device.kind == "wireguard") {
        return true;
    }
    static constexpr std::array<std::string_view, 3> drivers{"dev_hard_start_xmit", "wg_xmit", "encrypt_packet"};
    static constexpr std::array<std::string_view, 3> before{"validate_xmit_skb", "__dev_queue_xmit", "sch_direct_xmit"};
    const auto nearest = std::find_if(group.stack.begin(), group.stack.end(), [&](const std::string& frame) {
        return is_one_of(frame, drivers) || is_one_of(frame, before);
    });
    return nearest != group.stack.end() && is_one_of(*nearest, drivers);
}

// Whether a driver made the copy: the one that sends, or the one that receives on this machine, before its stack saw
// the packet. What an XDP program without the driver's help gets has passed the receiving stack.
bool by_driver(const LateGroup& group) {
    const bool generic = std::find(group.stack.begin(), group.stack.end(), "do_xdp_generic") != group.stack.end();
    const bool whole_packet = group.telling == Telling::flagged || group.telling == Telling::silent;
    const bool sending = whole_packet && group.direction == model::Direction::transmit &&
                         (group.function == "skb_copy_ubufs" || is_in_transmission(group));
    const bool rebuilt = group.function == "skb_pp_cow_data" || group.function.starts_with("veth_");
    return sending || (rebuilt && !generic);
}

std::uint64_t copied_by_drivers(const std::vector<LateGroup>& late) {
    std::uint64_t bytes = 0;
    for (const LateGroup& group : late) {
        bytes += by_driver(group) ? group.bytes : 0;
    }
    return bytes;
}

// Bytes that the driver got in user pages, did not copy itself, and that no receiving stack of this machine saw.
void add_left_account(const Capture& capture, const std::vector<LateGroup>& late, model::Ledger& ledger) {
    if (!attached(capture, "packet-path")) {
        return;
    }
    const Tally driver = total(capture, Role::server, Site::transmit_zerocopy);
    const Tally arrived = total(capture, Role::server, Site::receive_zerocopy);
    const std::uint64_t seen_again = arrived.bytes + copied_by_drivers(late);
    if (driver.bytes <= seen_again) {
        return;
    }
    ledger.accounts.push_back(make_account("left.uncopied", "kernel -> device", "uncopied", driver.bytes - seen_again,
                                           Bytes::missing("packets, not calls"), "net_dev_start_xmit"));
}

void add_receive_account(const Capture& capture, model::Ledger& ledger) {
    const Tally copied = total(capture, Role::client, Site::receive_copied);
    const bool seen = !sees_only_sender(capture.spec);
    const Bytes unseen = Bytes::missing("the receiver is not a part of this run");
    auto account =
        make_account(std::string(received_account), "kernel -> program", "copied",
                     seen ? bytes_seen(capture, "receive-call", copied) : unseen,
                     seen ? calls_seen(capture, "receive-call", copied) : unseen, seen ? "skb_copy_datagram_iter" : "");
    account.copies_per_byte = stats::safe_ratio(account.bytes, ledger.payload_bytes, "nothing was sent");
    ledger.accounts.push_back(std::move(account));
}

Bytes completed_bytes(const Capture& capture) {
    const Tally unresolved = total(capture, Role::server, Site::completed_unresolved);
    if (unresolved.calls != 0) {
        return Bytes::missing(std::to_string(unresolved.calls) +
                              " completions could not be matched with their calls (too many in flight)");
    }
    return bytes_seen(capture, "completion",
                      sum_of(capture, Role::server, {Site::completed_zerocopy, Site::completed_copied}));
}

void balance_completions(const Capture& capture, model::Ledger& ledger) {
    const Tally taken = sum_of(capture, Role::server, completing_sites);
    if (taken.bytes == 0) {
        return;
    }
    const Bytes left = bytes_seen(capture, "send-call", taken);
    Bytes right = completed_bytes(capture);
    // Where the program gave up waiting, or was cut off, what is missing is in flight: no account can prove it wrong.
    const bool in_flight = unread_completions(capture) != 0 || !capture.interrupted.empty();
    if (in_flight && right.measured() && right.value() < taken.bytes) {
        right = taken.bytes;
    }
    ledger.balances.push_back(
        make_balance("completed", "pinned = completed uncopied + completed copied + in flight", left, right));
}

bool only_pinned(const Capture& capture) {
    return sum_of(capture, Role::server, send_sites).bytes == total(capture, Role::server, Site::send_pinned).bytes;
}

// Pinned bytes go to a device's queue once, once more each time they are retransmitted, and once for each clone that is
// made of them on the way. A difference means that packets passed unseen, which would hide their copies as well.
void balance_queue(const Capture& capture, model::Ledger& ledger) {
    const Tally pinned = total(capture, Role::server, Site::send_pinned);
    const bool seen =
        attached(capture, "packet-path") && attached(capture, "retransmit") && attached(capture, "send-call");
    if (!only_pinned(capture) || pinned.bytes == 0 || !seen || !capture.interrupted.empty()) {
        return;
    }
    const Tally more = sum_of(capture, Role::server, {Site::retransmitted, Site::transmit_cloned});
    ledger.balances.push_back(
        make_balance("queued", "pinned + retransmitted + cloned = user pages queued for the device",
                     pinned.bytes + more.bytes, total(capture, Role::server, Site::transmit_queued).bytes));
}

// Everything that was in page fragments when it was queued is so at the driver, or became linear on the way.
void balance_transmission(const Capture& capture, model::Ledger& ledger) {
    const Tally queued = total(capture, Role::server, Site::transmit_queued);
    if (!only_pinned(capture) || queued.bytes == 0 || !attached(capture, "packet-path")) {
        return;
    }
    const Tally driver = sum_of(capture, Role::server, {Site::transmit_zerocopy, Site::transmit_linear});
    ledger.balances.push_back(make_balance("transmitted", "user pages queued = user pages at the driver + made linear",
                                           queued.bytes, driver.bytes));
}

// Where packets arrive on this machine, all do but clones for somebody else and those that are lost on the way, and
// these are sent again. More at the receiving stack than at the driver, or fewer without a retransmission, means that
// packets passed a probe unseen, and that copies of them are missing from the books or stand in them as extra ones.
void balance_crossing(const Capture& capture, const std::vector<LateGroup>& late, model::Ledger& ledger) {
    const std::uint64_t driver = total(capture, Role::server, Site::transmit_zerocopy).bytes;
    const std::uint64_t given = driver - std::min(driver, copied_by_drivers(late));
    const std::uint64_t arrived = total(capture, Role::server, Site::receive_zerocopy).bytes;
    if (arrived == 0 || !attached(capture, "packet-path")) {
        return;
    }
    const std::uint64_t missing = given > arrived ? given - arrived : 0;
    const bool in_flight = !capture.interrupted.empty();
    const Tally more = sum_of(capture, Role::server, {Site::retransmitted, Site::transmit_cloned});
    const std::uint64_t lost = attached(capture, "retransmit") && !in_flight ? std::min(missing, more.bytes) : missing;
    ledger.balances.push_back(
        make_balance("crossed", "user pages at the driver = at the receiving stack + clones + lost and sent again",
                     given, arrived + lost));
}

// User pages that reach a receiving stack of this machine must be copied before a socket gets them.
void balance_arrival(const Capture& capture, const std::vector<LateGroup>& late, model::Ledger& ledger) {
    const Tally arrived = total(capture, Role::server, Site::receive_zerocopy);
    if (arrived.bytes == 0 || !attached(capture, "packet-path")) {
        return;
    }
    std::uint64_t copied = 0;
    bool stacks_lost = false;
    for (const LateGroup& group : late) {
        const bool on_arrival = group.direction != model::Direction::transmit;
        copied += on_arrival && group.telling == Telling::flagged ? group.bytes : 0;
        stacks_lost = stacks_lost || (on_arrival && group.telling == Telling::unknown);
    }
    // What was lost on the way had to be sent again. It may have been lost after it arrived.
    const Tally again = total(capture, Role::server, Site::retransmitted);
    const std::uint64_t missing = arrived.bytes > copied ? arrived.bytes - copied : 0;
    copied += missing <= again.bytes ? missing : 0;
    const Bytes right = stacks_lost ? Bytes::missing("call stacks of late copies were lost")
                                    : bytes_seen(capture, "late-copy", Tally{0, copied});
    ledger.balances.push_back(
        make_balance("arrived", "user pages at the receiving stack = copied for the receiver", arrived.bytes, right));
}

void add_balances(const Capture& capture, const std::vector<LateGroup>& late, model::Ledger& ledger) {
    const Tally taken = sum_of(capture, Role::server, send_sites);
    const std::uint64_t sent = program_bytes(capture.server);
    const std::uint64_t received = program_bytes(capture.client);
    ledger.balances.push_back(make_balance("sent", "returned by send calls = copied + pinned + referenced", sent,
                                           bytes_seen(capture, "send-call", taken)));
    balance_completions(capture, ledger);
    balance_queue(capture, ledger);
    balance_transmission(capture, ledger);
    balance_crossing(capture, late, ledger);
    balance_arrival(capture, late, ledger);
    if (sees_only_sender(capture.spec)) {
        return;
    }
    if (capture.interrupted.empty()) {
        ledger.balances.push_back(
            make_balance("delivered", "returned by send calls = returned by receive calls", sent, received));
    }
    const std::uint64_t right_away = decrypted_to_user(capture);
    const std::uint64_t copied = total(capture, Role::client, Site::receive_copied).bytes;
    ledger.balances.push_back(make_balance("received",
                                           right_away == 0
                                               ? "returned by receive calls = copied to user memory"
                                               : "returned by receive calls = copied or decrypted to user memory",
                                           received, seen(capture, "receive-call", copied + right_away)));
}

Bytes sum_unexplained(const std::vector<Balance>& balances) {
    std::uint64_t sum = 0;
    for (const Balance& balance : balances) {
        if (!balance.unexplained.measured()) {
            return Bytes::missing(balance.unexplained.reason());
        }
        sum += balance.unexplained.value();
    }
    return sum;
}

}  // namespace

Tally total(const Capture& capture, Role role, Site site) {
    Tally sum;
    for (const auto& socket : capture.sockets) {
        const auto found = socket.sites.find(site);
        if (socket.role == role && found != socket.sites.end()) {
            sum += found->second;
        }
    }
    return sum;
}

bool attached(const Capture& capture, std::string_view probe) {
    return std::any_of(capture.probes.begin(), capture.probes.end(), [probe](const model::ProbeFacts& facts) {
        return facts.probe == probe && facts.tier != model::Tier::none;
    });
}

bool is_untraced(const model::Spec& spec) {
    return spec.tier == model::Tier::none;
}

std::string why_missing(const Capture& capture, std::string_view probe) {
    if (is_untraced(capture.spec)) {
        return "nothing was traced (--tier none)";
    }
    if (model::is_refused(capture.spec, capture.probes)) {
        return "nothing could be traced";
    }
    for (const auto& facts : capture.probes) {
        if (facts.probe == probe && !facts.refused.empty()) {
            return "probe " + facts.probe + " could not be attached: " + facts.refused.back();
        }
    }
    return "probe " + std::string(probe) + " was not attached";
}

Books close_books(const Capture& capture) {
    Books books;
    books.late = group_late_copies(capture);
    model::Ledger& ledger = books.ledger;
    ledger.payload_bytes = program_bytes(capture.server);
    ledger.send_calls = calls_seen(capture, "send-call", sum_of(capture, Role::server, send_sites));
    add_send_accounts(capture, ledger);
    add_left_account(capture, books.late, ledger);
    if (auto decryption = decryption_account(capture, ledger.payload_bytes)) {
        ledger.accounts.push_back(*std::move(decryption));
    }
    add_receive_account(capture, ledger);
    add_balances(capture, books.late, ledger);
    ledger.unexplained_bytes = sum_unexplained(ledger.balances);
    return books;
}

}  // namespace netio::ledger
