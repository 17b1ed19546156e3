// SPDX-License-Identifier: MIT
#include "ledger/layers.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "stats/ratio.h"

namespace netio::ledger {

using model::Capture;
using model::Role;
using model::Site;
using model::SocketFacts;

namespace {

struct Layer {
    std::string_view protocol;
    std::string_view sends;     // the function that serves send calls
    std::string_view receives;  // ... receive calls; empty: TCP's own
    std::string_view how;       // it copies
};
constexpr std::array<Layer, 3> layers{{
    {"tls", "tls_sw_sendmsg", "tls_sw_recvmsg", ", encrypted"},
    {"sockmap", "tcp_bpf_sendmsg", "", ""},
    {"mptcp", "mptcp_sendmsg", "mptcp_recvmsg", ""},
}};

const Layer* layer_of(const SocketFacts& socket) {
    const auto* found = std::find_if(layers.begin(), layers.end(),
                                     [&](const Layer& layer) { return layer.protocol == socket.protocol; });
    return found == layers.end() ? nullptr : found;
}

model::Tally at(const SocketFacts& socket, Site site) {
    const auto found = socket.sites.find(site);
    return found == socket.sites.end() ? model::Tally{} : found->second;
}

// Programs on functions see what passes these; those on tracepoints and system calls see the calls of every protocol.
bool hangs_on(const Capture& capture, std::string_view probe, std::string_view function) {
    return std::any_of(capture.probes.begin(), capture.probes.end(), [&](const model::ProbeFacts& facts) {
        return facts.probe == probe &&
               (facts.tier != model::Tier::fentry || facts.attached.find(function) != std::string::npos);
    });
}

struct Decrypted {
    std::uint64_t bytes = 0;
    std::uint64_t calls = 0;
    std::uint64_t copied = 0;  // of these, from a packet to user memory
};

Decrypted decrypted(const Capture& capture) {
    Decrypted sum;
    for (const SocketFacts& socket : capture.sockets) {
        if (socket.role == Role::client && socket.protocol == "tls") {
            const model::Tally returned = at(socket, Site::receive_returned);
            sum.bytes += returned.bytes;
            sum.calls += returned.calls;
            sum.copied += at(socket, Site::receive_copied).bytes;
        }
    }
    return sum;
}

}  // namespace

std::string why_unseen(const Capture& capture, std::string_view probe) {
    const bool sends = probe == "send-call";
    if (!sends && probe != "receive-call") {
        return {};
    }
    for (const SocketFacts& socket : capture.sockets) {
        const Layer* layer = socket.role == (sends ? Role::server : Role::client) ? layer_of(socket) : nullptr;
        const std::string function(layer == nullptr ? "" : sends ? layer->sends : layer->receives);
        if (!function.empty() && !hangs_on(capture, probe, function)) {
            return "calls of the protocol " + socket.protocol + " are served by " + function +
                   ", where no program hangs: --tier tracepoint sees them";
        }
    }
    return {};
}

std::string where_copied(const Capture& capture) {
    std::vector<std::string> places;
    for (const SocketFacts& socket : capture.sockets) {
        if (socket.role != Role::server || at(socket, Site::send_copied).bytes == 0) {
            continue;
        }
        const Layer* layer = layer_of(socket);
        std::string place =
            layer == nullptr ? "tcp_sendmsg_locked" : std::string(layer->sends) + std::string(layer->how);
        if (std::find(places.begin(), places.end(), place) == places.end()) {
            places.push_back(std::move(place));
        }
    }
    return places.empty() ? "tcp_sendmsg_locked" : join(places, "; ");
}

std::uint64_t decrypted_to_user(const Capture& capture) {
    const Decrypted all = decrypted(capture);
    return all.bytes - std::min(all.bytes, all.copied);
}

// What was decrypted right into user memory is copied by that. What was decrypted before it was copied may have been so
// in place, or from one buffer into another: the kernel does not say.
std::optional<model::Account> decryption_account(const Capture& capture,
                                                 const model::Figure<std::uint64_t>& payload_bytes) {
    const Decrypted all = decrypted(capture);
    if (all.bytes == 0) {
        return std::nullopt;
    }
    model::Account account;
    account.id = "received.decrypted";
    account.stage = "kernel -> program";
    account.what = "decrypted";
    account.bytes = all.bytes;
    account.calls = all.calls;
    account.where = "tls_sw_recvmsg";
    account.copies_per_byte =
        all.copied == 0
            ? stats::safe_ratio(account.bytes, payload_bytes, "nothing was sent")
            : model::Figure<double>::missing("kTLS decrypted some bytes before it copied them, in place or not");
    return account;
}

}  // namespace netio::ledger
