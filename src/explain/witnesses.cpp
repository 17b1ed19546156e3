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

// Whether the kernel's numbers are those of the program's calls.
bool is_renumbered(const Capture& capture) {
    return std::any_of(capture.sockets.begin(), capture.sockets.end(), [](const model::SocketFacts& socket) {
        return socket.role == Role::server && socket.protocol == "sockmap";
    });
}

void hear_kernel_record(const Capture& capture, Witnesses& witnesses) {
    const bool seen = ledger::attached(capture, "completion") && !is_renumbered(capture);
    if (!uses_zerocopy(capture) || !seen) {
        const std::string why = !uses_zerocopy(capture)  ? "no zero-copy call was made"
                                : is_renumbered(capture) ? "sockmap hands pieces of its own to TCP, and it is these "
                                                           "that the kernel numbers"
                                                         : ledger::why_missing(capture, "completion");
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
    return ledger::bytes_by(books, telling);
}

bool differ(const Count& a, const Count& b) {
    return a.measured() && b.measured() && a.value() != b.value();
}

// What the witnesses contradict each other in, and what only has to be known to see that they do not.
struct Comparison {
    std::vector<std::string> differences;
    std::vector<std::string> remarks;
};

void compare_queue_with_record(const Witnesses& witnesses, Comparison& said) {
    if (differ(witnesses.told_calls, witnesses.recorded_calls)) {
        said.differences.push_back(
            fmt::format("the error queue told of {} sends, the kernel completed {}: notifications were not read",
                        format_count(witnesses.told_calls.value()), format_count(witnesses.recorded_calls.value())));
    }
    if (differ(witnesses.told_copied_calls, witnesses.recorded_copied_calls)) {
        said.differences.push_back(fmt::format(
            "the error queue is wrong: it says {} sends were copied, the kernel's record says {}; the kernel merges "
            "notifications that wait to be read and keeps the flag of the first one only",
            format_count(witnesses.told_copied_calls.value()), format_count(witnesses.recorded_copied_calls.value())));
    }
}

// Copies that the flag says nothing of, or says too much.
void compare_flag_with_bytes(const ledger::Books& books, const Witnesses& witnesses, Comparison& said) {
    const std::uint64_t silent = witnesses.moved_silent_bytes.value_or(0);
    const std::uint64_t clone = witnesses.moved_clone_bytes.value_or(0);
    const std::uint64_t flagged = witnesses.moved_flagged_bytes.value_or(0);
    const std::uint64_t unknown =
        witnesses.moved_silent_bytes.measured() ? ledger::bytes_by(books, Telling::unknown) : 0;
    if (unknown != 0) {
        said.differences.push_back(
            fmt::format("{} were copied by functions whose call stack was lost: whether they set the flag is not known",
                        format_bytes(unknown)));
    }
    if (silent != 0) {
        said.differences.push_back(
            fmt::format("told \"zero-copy\", but copied: {} were copied silently, by functions that clear no flag",
                        format_bytes(silent)));
    }
    if (clone != 0 && flagged == 0 && silent == 0 && witnesses.moved_silent_bytes.measured()) {
        said.differences.push_back(
            fmt::format("{} were copied for somebody else's clone of the packets; told \"copied\", but sent from user "
                        "pages",
                        format_bytes(clone)));
    } else if (clone != 0) {
        said.remarks.push_back(
            fmt::format("{} were copied besides, for somebody else's clone of the packets", format_bytes(clone)));
    }
}

void compare_record_with_bytes(const Capture& capture, const ledger::Books& books, const Witnesses& witnesses,
                               Comparison& said) {
    if (!witnesses.recorded_copied_bytes.measured() || !witnesses.moved_flagged_bytes.measured()) {
        return;
    }
    const std::uint64_t flagged = witnesses.moved_flagged_bytes.value();
    const std::uint64_t recorded = witnesses.recorded_copied_bytes.value();
    const bool silent = witnesses.moved_silent_bytes.value_or(0) != 0;
    const bool others = witnesses.moved_clone_bytes.value_or(0) != 0 || ledger::bytes_by(books, Telling::unknown) != 0;
    std::uint64_t at_once = 0;
    for (const Site site : {Site::send_route_without_sg, Site::send_fast_open, Site::send_in_syn}) {
        at_once += ledger::total(capture, Role::server, site).bytes;
    }
    if (recorded > flagged + at_once && (flagged != 0 || silent)) {
        const bool short_books = books.ledger.unexplained_bytes.value_or(0) != 0;
        said.differences.push_back(fmt::format(
            "{} count as copied in the record, yet {} were {}", format_bytes(recorded), format_bytes(flagged),
            short_books ? "seen being copied by flagging functions: the books do not balance, so that "
                          "copies may have passed unseen"
                        : "copied by flagging functions: one copied byte flags every send of its range"));
    }
    if (recorded > at_once && flagged == 0 && !silent && !others) {
        said.differences.push_back(
            fmt::format("{} count as copied in the record, yet no function was seen copying them",
                        format_bytes(recorded - at_once)));
    }
    if (recorded >= flagged) {
        return;
    }
    const std::string more = format_bytes(flagged - recorded);
    const auto again = ledger::total(capture, Role::server, Site::retransmitted).bytes;
    if (again >= flagged - recorded) {
        said.remarks.push_back(fmt::format("{} were retransmitted and copied again", more));
    } else {
        said.differences.push_back(
            fmt::format("{} more were copied by flagging functions than the record calls copied", more));
    }
}

// One sentence where they agree, with the remarks; else one for each difference and remark.
void conclude(const Capture& capture, const Comparison& said, Witnesses& witnesses) {
    const bool all_heard = witnesses.told_calls.measured() && witnesses.recorded_calls.measured() &&
                           witnesses.moved_flagged_bytes.measured() && witnesses.moved_silent_bytes.measured();
    witnesses.agree = all_heard && said.differences.empty();
    if (witnesses.agree) {
        std::vector<std::string> parts{"they agree"};
        parts.insert(parts.end(), said.remarks.begin(), said.remarks.end());
        witnesses.sentences = {join(parts, "; ")};
        return;
    }
    witnesses.sentences = said.differences;
    witnesses.sentences.insert(witnesses.sentences.end(), said.remarks.begin(), said.remarks.end());
    if (!all_heard && witnesses.sentences.empty() && !ledger::is_untraced(capture.spec)) {
        witnesses.sentences.emplace_back(model::is_refused(capture.spec, capture.probes)
                                             ? "what the error queue says cannot be checked here"
                                             : "not every witness could be heard on this kernel");
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
    Comparison said;
    compare_queue_with_record(witnesses, said);
    compare_flag_with_bytes(books, witnesses, said);
    compare_record_with_bytes(capture, books, witnesses, said);
    conclude(capture, said, witnesses);
    return witnesses;
}

}  // namespace netio::explain
