// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "explain/sentences.h"

namespace netio::explain {

using ledger::Telling;
using model::Capture;
using model::Figure;
using model::Role;
using model::Site;
using model::Witnesses;

using Count = Figure<std::uint64_t>;

namespace {

constexpr std::string_view agreement = "they agree";

bool uses_zerocopy(const Capture& capture) {
    return capture.spec.mode == model::CopyMode::zerocopy;
}

void hear_error_queue(const Capture& capture, Witnesses& witnesses) {
    if (!uses_zerocopy(capture)) {
        witnesses.told_calls = Count::missing("no zero-copy call was made");
        witnesses.told_copied_calls = witnesses.told_calls;
        return;
    }
    std::uint64_t zerocopy = 0;
    std::uint64_t copied = 0;
    for (const auto& connection : capture.server.connections) {
        zerocopy += connection.error_queue.calls_zerocopy;
        copied += connection.error_queue.calls_copied;
    }
    witnesses.told_calls = zerocopy + copied;
    witnesses.told_copied_calls = copied;
}

void hear_kernel_record(const Capture& capture, Witnesses& witnesses) {
    if (!uses_zerocopy(capture) || !ledger::attached(capture, "completion")) {
        const std::string why =
            uses_zerocopy(capture) ? ledger::why_missing(capture, "completion") : "no zero-copy call was made";
        witnesses.recorded_calls = Count::missing(why);
        witnesses.recorded_copied_calls = Count::missing(why);
        witnesses.recorded_copied_bytes = Count::missing(why);
        return;
    }
    const auto kept = ledger::total(capture, Role::server, Site::completed_zerocopy);
    const auto copied = ledger::total(capture, Role::server, Site::completed_copied);
    const auto unresolved = ledger::total(capture, Role::server, Site::completed_unresolved);
    witnesses.recorded_calls = kept.calls + copied.calls + unresolved.calls;
    witnesses.recorded_copied_calls = copied.calls;
    witnesses.recorded_copied_bytes = copied.bytes;
}

Count moved(const Capture& capture, const ledger::Books& books, Telling telling, const char* probe) {
    if (!ledger::attached(capture, probe)) {
        return Count::missing(ledger::why_missing(capture, probe));
    }
    std::uint64_t bytes = 0;
    for (const auto& group : books.late) {
        if (group.telling == telling) {
            bytes += group.bytes;
        }
    }
    return bytes;
}

bool differ(const Count& a, const Count& b) {
    return a.measured() && b.measured() && a.value() != b.value();
}

void compare_queue_with_record(Witnesses& witnesses) {
    if (differ(witnesses.told_calls, witnesses.recorded_calls)) {
        witnesses.sentences.push_back(
            fmt::format("the error queue told of {} sends, the kernel completed {}: notifications were not read",
                        format_count(witnesses.told_calls.value()), format_count(witnesses.recorded_calls.value())));
    }
    if (differ(witnesses.told_copied_calls, witnesses.recorded_copied_calls)) {
        witnesses.sentences.push_back(fmt::format(
            "the error queue says {} sends were copied, the kernel's record says {}: merging notifications keeps the "
            "flag of the first one only",
            format_count(witnesses.told_copied_calls.value()), format_count(witnesses.recorded_copied_calls.value())));
    }
}

void compare_record_with_bytes(const Capture& capture, const ledger::Books& books, Witnesses& witnesses) {
    const std::uint64_t silent = witnesses.moved_silent_bytes.value_or(0);
    const std::uint64_t clone = witnesses.moved_clone_bytes.value_or(0);
    const std::uint64_t flagged = witnesses.moved_flagged_bytes.value_or(0);
    const std::uint64_t recorded = witnesses.recorded_copied_bytes.value_or(0);
    const auto at_once = ledger::total(capture, Role::server, Site::send_route_without_sg).bytes;
    const std::uint64_t unknown = moved(capture, books, Telling::unknown, "linearise").value_or(0);
    if (unknown != 0) {
        witnesses.sentences.push_back(
            fmt::format("{} were copied by functions whose call stack was lost: whether they set the flag is not known",
                        format_bytes(unknown)));
    }
    if (silent != 0) {
        witnesses.sentences.push_back(
            fmt::format("told \"zero-copy\", but copied: {} were copied silently, by functions that clear no flag",
                        format_bytes(silent)));
    }
    if (clone != 0) {
        witnesses.sentences.push_back(fmt::format("{} were copied for somebody else's clone of the packets{}",
                                                  format_bytes(clone),
                                                  flagged == 0 && silent == 0 && witnesses.moved_silent_bytes.measured()
                                                      ? "; told \"copied\", but sent from user pages"
                                                      : ""));
    }
    if (!witnesses.recorded_copied_bytes.measured() || !witnesses.moved_flagged_bytes.measured()) {
        return;
    }
    if (recorded > flagged + at_once && (flagged != 0 || silent != 0)) {
        witnesses.sentences.push_back(fmt::format(
            "{} count as copied in the record, yet {} were copied by flagging functions: one copied byte flags every "
            "send of its range",
            format_bytes(recorded), format_bytes(flagged)));
    }
    if (recorded > at_once && flagged == 0 && silent == 0 && clone == 0 && unknown == 0) {
        witnesses.sentences.push_back(
            fmt::format("{} count as copied in the record, yet no function was seen copying them",
                        format_bytes(recorded - at_once)));
    }
    if (recorded < flagged) {
        const auto again = ledger::total(capture, Role::server, Site::retransmitted).bytes;
        witnesses.sentences.push_back(
            again >= flagged - recorded
                ? fmt::format("{}; {} were retransmitted and copied again", agreement, format_bytes(flagged - recorded))
                : fmt::format("{} more were copied by flagging functions than the record calls copied",
                              format_bytes(flagged - recorded)));
    }
}

}  // namespace

Witnesses hear_witnesses(const Capture& capture, const ledger::Books& books) {
    Witnesses witnesses;
    hear_error_queue(capture, witnesses);
    hear_kernel_record(capture, witnesses);
    witnesses.moved_flagged_bytes = moved(capture, books, Telling::flagged, "late-copy");
    witnesses.moved_clone_bytes = moved(capture, books, Telling::clone, "late-copy");
    witnesses.moved_silent_bytes = moved(capture, books, Telling::silent, "linearise");
    if (!uses_zerocopy(capture)) {
        return witnesses;
    }
    compare_queue_with_record(witnesses);
    compare_record_with_bytes(capture, books, witnesses);
    const bool all_heard = witnesses.told_calls.measured() && witnesses.recorded_calls.measured() &&
                           witnesses.moved_flagged_bytes.measured() && witnesses.moved_silent_bytes.measured();
    witnesses.agree = all_heard && std::all_of(witnesses.sentences.begin(), witnesses.sentences.end(),
                                               [](const std::string& said) { return said.starts_with(agreement); });
    if (witnesses.agree && witnesses.sentences.empty()) {
        witnesses.sentences.emplace_back(agreement);
    } else if (!all_heard && witnesses.sentences.empty() && !ledger::is_untraced(capture.spec)) {
        witnesses.sentences.push_back("not every witness could be heard on this kernel");
    }
    return witnesses;
}

}  // namespace netio::explain
