// SPDX-License-Identifier: MIT
#include "explain/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "explain/classify.h"
#include "explain/costs.h"
#include "explain/sentences.h"
#include "ledger/books.h"
#include "ledger/counters.h"
#include "ledger/overhead.h"
#include "ledger/profile.h"
#include "ledger/timing.h"
#include "stats/histogram.h"
#include "stats/percentile.h"
#include "stats/ratio.h"

namespace netio::explain {

using model::Capture;
using model::Figure;
using model::Report;

namespace {

enum class Span { end_to_end, sender };

// Copies per payload byte. A missing account makes the sum missing: a part must not pass for the whole.
Figure<double> sum_copies(const Capture& capture, const model::Ledger& ledger, Span span) {
    double sum = 0;
    for (const auto& account : ledger.accounts) {
        if (span == Span::sender && ledger::is_of_receiver(account)) {
            continue;
        }
        if (!account.copies_per_byte.measured()) {
            return account.copies_per_byte;
        }
        sum += account.copies_per_byte.value();
    }
    for (const char* probe : {"late-copy", "linearise"}) {
        if (!ledger::attached(capture, probe)) {
            return Figure<double>::missing(ledger::why_missing(capture, probe));
        }
    }
    return sum;
}

model::Latency latency_of(const model::WorkloadResult& result, const char* id, const char* name,
                          model::HistogramData model::ConnectionResult::*histogram) {
    std::vector<model::HistogramData> parts;
    for (const auto& connection : result.connections) {
        parts.push_back(connection.*histogram);
    }
    return stats::summarize(id, name, stats::merge(parts));
}

void add_latencies(const Capture& capture, Report& report) {
    report.latencies.push_back(
        latency_of(capture.server, "send-call", "send()", &model::ConnectionResult::send_call_ns));
    if (capture.client.delivery_missing.empty()) {
        report.latencies.push_back(
            latency_of(capture.client, "delivery", "delivery", &model::ConnectionResult::delivery_ns));
    } else {
        report.not_seen.push_back("delivery latency: " + capture.client.delivery_missing);
    }
    if (capture.spec.mode == model::CopyMode::zerocopy) {
        report.latencies.push_back(
            latency_of(capture.server, "completion", "completion", &model::ConnectionResult::completion_ns));
    }
}

void add_throughput(const Capture& capture, Report& report) {
    // Of a receiver that is not seen, the sender's word has to do: zero-copy sends are over when they are acknowledged,
    // other ones when the socket has taken them.
    const bool alone = sees_only_sender(capture.spec);
    std::uint64_t moved = 0;
    for (const auto& connection : (alone ? capture.server : capture.client).connections) {
        moved += connection.bytes;
    }
    // From the first send to the last byte received. The client's own time begins with its first byte, when a short run
    // may be nearly over; the server's ends with its last completion.
    report.wall_ns = std::max(capture.client.wall_ns, capture.server.wall_ns);
    report.throughput_bits_per_second =
        stats::safe_ratio(static_cast<double>(moved) * 8e9, report.wall_ns, "the measured phase took no time");
}

// What the probes along a packet's way do not agree about: packets that were queued but not sent or retransmitted, or
// the other way round, and packets that arrived without having been seen to leave. One packet may be in both.
std::uint64_t unseen_bytes(const model::Ledger& ledger) {
    std::uint64_t bytes = 0;
    for (const auto& balance : ledger.balances) {
        if (balance.id == "queued" || balance.id == "crossed") {
            bytes = std::max(bytes, balance.unexplained.value_or(0));
        }
    }
    return bytes;
}

// "the BPF programs cannot be loaded: Operation not permitted (EPERM)" where one reason stands for every probe.
std::string reason_for_all(const std::vector<model::ProbeFacts>& probes) {
    constexpr std::string_view for_all = "every program: ";
    const auto& refused = probes.front().refused;
    const bool one = !refused.empty() && std::all_of(probes.begin(), probes.end(),
                                                     [&](const auto& probe) { return probe.refused == refused; });
    if (!one) {
        return "the reason of each stands at the end";
    }
    return refused.back().starts_with(for_all) ? refused.back().substr(for_all.size()) : refused.back();
}

void add_warnings(const Capture& capture, Report& report) {
    if (model::is_refused(capture.spec, capture.probes)) {
        report.warnings.push_back("no probe could be attached: " + reason_for_all(capture.probes));
    }
    if (capture.lost_events != 0) {
        report.warnings.push_back(fmt::format(
            "{} events were lost because the ring buffer was full: call stacks may be missing, no bytes are",
            format_count(capture.lost_events)));
    }
    if (capture.lost_copies != 0) {
        report.warnings.push_back(
            fmt::format("the record of {} late copies is missing or doubtful (table full, or call stack mistaken)",
                        format_count(capture.lost_copies)));
    }
    if (capture.untracked_sockets != 0) {
        report.warnings.push_back(fmt::format("the table of sockets was full {} times: bytes of these are missing",
                                              format_count(capture.untracked_sockets)));
    }
    std::uint64_t corrupt = 0;
    std::uint64_t unread = 0;
    for (const auto& connection : capture.client.connections) {
        corrupt += connection.corrupt_bytes;
    }
    for (const auto& connection : capture.server.connections) {
        unread += connection.unread_completions;
    }
    if (corrupt != 0) {
        report.warnings.push_back(fmt::format("{} received bytes differ from what was sent", format_count(corrupt)));
    }
    if (unread != 0) {
        report.warnings.push_back(fmt::format("{} zero-copy sends were never reported complete", format_count(unread)));
    }
    if (const std::uint64_t unseen = unseen_bytes(report.ledger); unseen != 0) {
        report.warnings.push_back(
            fmt::format("{} passed some of the probes unseen: the kernel skipped tracepoint programs, or a device "
                        "refused packets; run it again",
                        format_bytes(unseen)));
    }
    const auto unexplained = report.ledger.unexplained_bytes;
    if (unexplained.measured() && unexplained.value() != 0) {
        report.warnings.push_back(
            fmt::format("the ledger does not balance: {} unexplained", format_bytes(unexplained.value())));
    }
    for (const auto* side : {&capture.server, &capture.client}) {
        if (!side->failure.empty()) {
            report.warnings.push_back(fmt::format("{}: {}", to_string(side->role), side->failure));
        }
    }
}

void add_gaps(const Capture& capture, Report& report) {
    if (sees_only_sender(capture.spec)) {
        report.not_seen.push_back(fmt::format(
            "the receiver: netio-client says there what it was given; speed is that of {}",
            capture.spec.mode == model::CopyMode::zerocopy ? "sending, until the last completion"
                                                           : "the send calls, which only fill the socket's buffer"));
    }
    for (const auto& probe : capture.probes) {
        if (probe.tier != model::Tier::none && !probe.limits.empty()) {  // what is missing altogether is coverage
            report.not_seen.push_back(fmt::format("{}: {}", probe.probe, probe.limits));
        }
    }
    if (capture.server.zerocopy_opt_in.starts_with("refused")) {
        report.warnings.push_back("SO_ZEROCOPY " + capture.server.zerocopy_opt_in);
    }
}

// Where nothing was to be traced, what both ends say of themselves must still agree.
bool books_agree(const Capture& capture, const Report& report) {
    if (!ledger::is_untraced(capture.spec)) {
        return report.ledger.unexplained_bytes.value_or(1) == 0;
    }
    const auto& balances = report.ledger.balances;
    return std::all_of(balances.begin(), balances.end(),
                       [](const model::Balance& balance) { return balance.unexplained.value_or(0) == 0; });
}

bool is_complete(const Capture& capture, const Report& report) {
    const bool required_missing =
        std::any_of(capture.probes.begin(), capture.probes.end(),
                    [](const model::ProbeFacts& probe) { return probe.required && probe.tier == model::Tier::none; });
    return !required_missing && capture.interrupted.empty() && capture.untracked_sockets == 0 &&
           capture.lost_copies == 0 && capture.server.failure.empty() && capture.client.failure.empty() &&
           books_agree(capture, report);
}

}  // namespace

Report build_report(const Capture& capture) {
    Report report;
    report.spec = capture.spec;
    report.environment = capture.environment;
    report.interrupted = capture.interrupted;
    report.coverage = capture.probes;
    report.taps = capture.taps;
    report.connections = capture.spec.threads;
    ledger::Books books = ledger::close_books(capture);
    report.findings = find_causes(capture, books);
    books.ledger.copies_per_byte = sum_copies(capture, books.ledger, Span::end_to_end);
    books.ledger.sender_copies_per_byte = sum_copies(capture, books.ledger, Span::sender);
    report.ledger = books.ledger;
    report.witnesses = hear_witnesses(capture, books);
    add_throughput(capture, report);
    add_latencies(capture, report);
    report.counters = ledger::summarize_counters(capture.counters, report.ledger.payload_bytes);
    if (capture.machine_counters) {
        report.machine_counters = ledger::summarize_machine(*capture.machine_counters, report.ledger.payload_bytes);
    }
    if (capture.profile) {
        report.profile = ledger::summarize_profile(*capture.profile, report.ledger.payload_bytes);
        add_costs(report);
    }
    if (capture.timing) {
        report.timing = ledger::summarize_timing(*capture.timing, report.counters, report.ledger.payload_bytes);
    }
    if (capture.program_runs) {
        report.overhead = ledger::summarize_overhead(*capture.program_runs, report.counters, report.ledger);
    }
    add_warnings(capture, report);
    add_gaps(capture, report);
    report.verdict = verdict_of(report, books);
    if (const std::string costs = cost_sentence(report); !costs.empty()) {
        report.verdict += " " + costs;
    }
    report.complete = is_complete(capture, report);
    return report;
}

}  // namespace netio::explain
