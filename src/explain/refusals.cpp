// SPDX-License-Identifier: MIT
#include "explain/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "explain/causes.h"
#include "explain/evidence.h"
#include "stats/ratio.h"

namespace netio::explain {

using model::Capture;
using model::Finding;
using model::Role;
using model::Site;
using model::SocketFacts;

namespace {

// SKB_TRUESIZE(0): what one notification is charged to the option memory, on 64-bit machines.
constexpr std::uint64_t notification_bytes = 576;

std::string limit_of(const model::Environment& environment, const std::string& name) {
    const auto found = environment.limits.find(name);
    return found == environment.limits.end() ? std::string{} : found->second;
}

// Kept for each namespace since Linux 6.9; before that one setting holds for all.
std::string option_memory_limit(const model::Environment& environment) {
    const std::string own = limit_of(environment, "server: net.core.optmem_max");
    return own.empty() ? limit_of(environment, "net.core.optmem_max") : own;
}

std::optional<std::uint64_t> number_in(const std::string& text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && rest == end && !text.empty() ? std::optional(value) : std::nullopt;
}

// The limit that a call of this socket met when it was refused with ENOBUFS; empty where the evidence decides for none.
std::string limit_met(const SocketFacts& socket, const Capture& capture) {
    const auto allowed = number_in(option_memory_limit(capture.environment));
    if (!allowed) {
        return {};
    }
    if (socket.option_memory_bytes + notification_bytes > *allowed) {
        return "optmem_max";
    }
    const bool exempt = limit_of(capture.environment, "server: CAP_IPC_LOCK") != "no";
    const bool finite = number_in(limit_of(capture.environment, "server: RLIMIT_MEMLOCK")).has_value();
    return finite && !exempt ? "memlock" : "";
}

std::string spell_limit(const std::string& limit, const SocketFacts& socket, const Capture& capture) {
    if (limit == "optmem_max") {
        return fmt::format("net.core.optmem_max {} B, {} B in use when a call was refused",
                           option_memory_limit(capture.environment), socket.option_memory_bytes);
    }
    if (limit == "memlock") {
        return fmt::format("RLIMIT_MEMLOCK {} B of {} (pid {})",
                           limit_of(capture.environment, "server: RLIMIT_MEMLOCK"), socket.command, socket.pid);
    }
    return {};
}

Finding make_finding(const std::string& id, std::uint64_t calls, model::Figure<std::uint64_t> bytes,
                     const model::Figure<std::uint64_t>& payload) {
    Finding finding;
    finding.cause = id;
    finding.calls = calls;
    finding.bytes = std::move(bytes);
    finding.share = finding.bytes.measured() ? stats::safe_ratio(finding.bytes.value(), payload).value_or(0) : 0;
    finding.sentence = cause(id).meaning;
    finding.evidence_wanted = cause(id).evidence;
    finding.remedy = cause(id).remedy;
    return finding;
}

// The row whose rule wants this; "unclassified" where there is none.
template <class Wanted>
std::string row_for(Wanted wanted) {
    for (const Cause& row : causes()) {
        if (std::any_of(row.rules.begin(), row.rules.end(), wanted)) {
            return row.id;
        }
    }
    return "unclassified";
}

std::string row_for_protocol(const SocketFacts& socket) {
    return row_for([&](const Rule& rule) {
        return rule.error == 0 && !rule.protocol.empty() && rule.protocol == socket.protocol;
    });
}

bool concerns(const Rule& rule, const SocketFacts& socket) {
    return rule.protocol.empty() || rule.protocol == socket.protocol;
}

// What went by ordinary calls on the sockets whose zero-copy calls were refused so, where that is what programs do.
model::Figure<std::uint64_t> sent_instead(const Capture& capture, std::int32_t error) {
    std::uint64_t bytes = 0;
    for (const SocketFacts& socket : capture.sockets) {
        const auto copied = socket.sites.find(Site::send_copied);
        const bool refused = socket.role == Role::server && socket.send_errors.count(error) != 0;
        bytes += refused && copied != socket.sites.end() ? copied->second.bytes : 0;
    }
    const bool instead = (error == EFAULT || error == EOPNOTSUPP) && bytes != 0;
    return instead ? model::Figure<std::uint64_t>(bytes)
                   : model::Figure<std::uint64_t>::missing("a refused call moves none");
}

struct SiteTotal {
    model::Tally sum;
    std::vector<std::string> evidence;
};

// Over the sender's sockets, without those whose protocol is the reason already.
SiteTotal total_by_site(const Capture& capture, Site site) {
    SiteTotal total;
    for (const SocketFacts& socket : capture.sockets) {
        const auto tally = socket.sites.find(site);
        if (socket.role == Role::server && tally != socket.sites.end() && row_for_protocol(socket) == "unclassified") {
            total.sum.calls += tally->second.calls;
            total.sum.bytes += tally->second.bytes;
            total.evidence.push_back(fmt::format("{}: {}", to_string(site), evidence_of(socket, tally->second)));
        }
    }
    return total;
}

void find_by_site(const Capture& capture, const model::Figure<std::uint64_t>& payload, std::vector<Finding>& findings) {
    for (const Site site :
         {Site::send_not_opted_in, Site::send_route_without_sg, Site::send_fast_open, Site::send_in_syn}) {
        auto [tally, evidence] = total_by_site(capture, site);
        if (tally.calls == 0) {
            continue;
        }
        const std::string id = row_for([&](const Rule& rule) { return rule.site == to_string(site); });
        findings.push_back(make_finding(id, tally.calls, tally.bytes, payload));
        findings.back().silent = site == Site::send_not_opted_in || site == Site::send_in_syn;
        findings.back().evidence = std::move(evidence);
    }
}

void find_by_error(const SocketFacts& socket, const Capture& capture, const model::Figure<std::uint64_t>& payload,
                   std::vector<Finding>& findings) {
    for (const auto& entry : socket.send_errors) {
        const std::int32_t error = entry.first;
        const std::uint64_t calls = entry.second;
        if (error == EAGAIN || error == EINTR) {
            continue;  // no room, or a signal: nothing that zero-copy is to blame for
        }
        const std::string limit = error == ENOBUFS ? limit_met(socket, capture) : "";
        const std::string id = row_for([&](const Rule& rule) {
            return rule.error == error && rule.error != 0 && rule.limit == limit && concerns(rule, socket);
        });
        Finding finding = make_finding(id, calls, sent_instead(capture, error), payload);
        finding.who = spell_limit(limit, socket, capture);
        const std::string protocol = socket.protocol == "tcp" ? "" : " (" + socket.protocol + ")";
        finding.evidence.push_back(fmt::format("{}: {} calls of {} -> {}{}", errno_text(error), format_count(calls),
                                               socket.local, socket.remote, protocol));
        if (!finding.who.empty()) {
            finding.evidence.push_back(finding.who);
        }
        const auto same =
            std::find_if(findings.begin(), findings.end(), [&](const Finding& other) { return other.cause == id; });
        if (same == findings.end()) {
            findings.push_back(std::move(finding));
        } else {
            same->calls += calls;
            same->evidence.insert(same->evidence.end(), finding.evidence.begin(), finding.evidence.end());
        }
    }
}

void find_by_protocol(const SocketFacts& socket, const model::Figure<std::uint64_t>& payload,
                      std::vector<Finding>& findings) {
    const std::string id = row_for_protocol(socket);
    model::Tally taken;
    for (const Site site : {Site::send_copied, Site::send_not_opted_in}) {
        const auto tally = socket.sites.find(site);
        taken.calls += tally != socket.sites.end() ? tally->second.calls : 0;
        taken.bytes += tally != socket.sites.end() ? tally->second.bytes : 0;
    }
    if (id == "unclassified" || taken.calls == 0) {
        return;
    }
    const auto same =
        std::find_if(findings.begin(), findings.end(), [&](const Finding& other) { return other.cause == id; });
    if (same != findings.end()) {
        same->calls += taken.calls;
        same->bytes = same->bytes.value_or(0) + taken.bytes;
        same->share = stats::safe_ratio(same->bytes.value(), payload).value_or(0);
        same->evidence.push_back(evidence_of(socket, taken));
        return;
    }
    findings.push_back(make_finding(id, taken.calls, taken.bytes, payload));
    findings.back().silent = true;
    findings.back().evidence = {evidence_of(socket, taken)};
}

}  // namespace

bool has_small_option_memory(const model::Environment& environment) {
    const auto limit = number_in(option_memory_limit(environment));
    return limit && *limit <= model::small_option_memory_bytes;
}

std::vector<Finding> find_refusals(const Capture& capture, const ledger::Books& books) {
    const auto& payload = books.ledger.payload_bytes;
    std::vector<Finding> findings;
    find_by_site(capture, payload, findings);
    if (capture.spec.mode != model::CopyMode::zerocopy) {
        return findings;
    }
    for (const SocketFacts& socket : capture.sockets) {
        if (socket.role == Role::server) {
            find_by_error(socket, capture, payload, findings);
            find_by_protocol(socket, payload, findings);
        }
    }
    return findings;
}

}  // namespace netio::explain
