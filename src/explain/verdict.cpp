// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "explain/causes.h"
#include "explain/sentences.h"
#include "stats/ratio.h"

namespace netio::explain {

using model::Account;
using model::CopyMode;
using model::Figure;
using model::Report;

namespace {

std::uint64_t account_bytes(const Report& report, std::string_view id) {
    for (const Account& account : report.ledger.accounts) {
        if (account.id == id) {
            return account.bytes.value_or(0);
        }
    }
    return 0;
}

// As much of the way as was seen.
const Figure<double>& copies_seen(const Report& report) {
    return sees_only_sender(report.spec) ? report.ledger.sender_copies_per_byte : report.ledger.copies_per_byte;
}

std::string copies_sentence(const Report& report) {
    const auto& copies = copies_seen(report);
    if (!copies.measured()) {
        return "How often a byte was copied could not be measured: " + copies.reason() + ".";
    }
    if (sees_only_sender(report.spec)) {
        return fmt::format("On its way to the receiver, which was not seen, each payload byte was copied {} times.",
                           format_ratio(copies.value()));
    }
    return fmt::format("End to end each payload byte was copied {} times.", format_ratio(copies.value()));
}

std::string copy_mode_verdict(const Report& report) {
    if (!copies_seen(report).measured()) {
        return copies_sentence(report);
    }
    const bool two = report.spec.mode == CopyMode::two_copy;
    const std::string how =
        std::string("Every byte was copied ") + (sees_only_sender(report.spec)
                                                     ? (two ? "in the program and into the kernel" : "into the kernel")
                                                 : two ? "in the program, into the kernel and out of it"
                                                       : "into the kernel and out of it");
    const std::uint64_t again = [&] {
        std::uint64_t bytes = 0;
        for (const Account& account : report.ledger.accounts) {
            bytes += account.id.starts_with("late.") ? account.bytes.value_or(0) : 0;
        }
        return bytes;
    }();
    if (again == 0) {
        return how + ", as this mode promises. " + copies_sentence(report);
    }
    return fmt::format("{}, and {} once more inside the kernel. {}", how, format_bytes(again), copies_sentence(report));
}

// "All 412 331 zero-copy sends were", "12.0 % of the zero-copy bytes were"
std::string subject(std::uint64_t copied, std::uint64_t pinned, const Figure<std::uint64_t>& calls) {
    if (copied >= pinned && calls.measured()) {
        return fmt::format("All {} zero-copy sends were", format_count(calls.value()));
    }
    if (copied >= pinned) {
        return "All zero-copy sends were";
    }
    return format_percent(stats::safe_ratio(copied, pinned).value_or(0)) + " of the zero-copy bytes were";
}

// Causes that have a clone copied, while the packet itself keeps the user's pages.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> clone_takers{
    {{"packet-tap", "a packet tap"}, {"timestamps-with-payload", "a transmit time stamp"}}};

// "a packet tap", as the findings tell.
std::string clone_taker(const Report& report) {
    std::vector<std::string> takers;
    for (const auto& taker : clone_takers) {
        if (std::any_of(report.findings.begin(), report.findings.end(),
                        [&](const model::Finding& finding) { return finding.cause == taker.first; })) {
            takers.emplace_back(taker.second);
        }
    }
    return takers.empty() ? "a clone" : join(takers, " and ");
}

// "The receiver is" -> "the receiver is", "A program" -> "a program", but "IPsec encrypts" stays.
std::string inside_sentence(std::string title) {
    if (title.size() > 1 && (title[1] == ' ' || std::islower(static_cast<unsigned char>(title[1])) != 0)) {
        title[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(title[0])));
    }
    return title;
}

std::string sentence_case(std::string text) {
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

// ": the receiver is on this machine", of the largest finding that explains why bytes of the packets themselves were
// copied after the send call; empty where there is none.
std::string reason(const Report& report, bool silent) {
    for (const model::Finding& finding : report.findings) {
        const Cause& row = cause(finding.cause);
        const bool late = row.group == "C" || row.group == "D";
        const bool of_clone = std::any_of(clone_takers.begin(), clone_takers.end(),
                                          [&](const auto& taker) { return taker.first == finding.cause; });
        if (late && !of_clone && finding.silent == silent) {
            return ": " + inside_sentence(row.title);
        }
    }
    return {};
}

// The same of why calls were refused or ignored.
std::string reason_of_refusal(const Report& report) {
    for (const model::Finding& finding : report.findings) {
        const Cause& row = cause(finding.cause);
        if (row.group == "A" || row.group == "B") {
            return ": " + inside_sentence(row.title);
        }
    }
    return {};
}

// Whether the kernel's record from before notifications were merged says otherwise than the error queue.
bool is_told_wrongly(const model::Witnesses& witnesses) {
    const auto& told = witnesses.told_copied_calls;
    const auto& recorded = witnesses.recorded_copied_calls;
    return told.measured() && recorded.measured() && told.value() != recorded.value();
}

std::string claim(const model::Witnesses& witnesses) {
    if (!witnesses.told_copied_calls.measured() || !witnesses.told_calls.measured()) {
        return {};
    }
    const std::string correction =
        is_told_wrongly(witnesses)
            ? fmt::format(", the kernel recorded {}", format_count(witnesses.recorded_copied_calls.value()))
            : "";
    return fmt::format(" The program was told \"copied\" for {} of {} sends{}.",
                       format_count(witnesses.told_copied_calls.value()), format_count(witnesses.told_calls.value()),
                       correction);
}

std::string zerocopy_verdict(const Report& report, const ledger::Books& books) {
    const std::uint64_t pinned = account_bytes(report, "sent.pinned");
    const std::uint64_t flagged = ledger::bytes_by(books, ledger::Telling::flagged);
    const std::uint64_t silent = ledger::bytes_by(books, ledger::Telling::silent);
    const std::uint64_t clone = ledger::bytes_by(books, ledger::Telling::clone);
    if (!report.ledger.send_calls.measured()) {
        return "How the send calls took their bytes could not be seen: " + report.ledger.send_calls.reason() + ".";
    }
    const bool ignored = std::any_of(report.findings.begin(), report.findings.end(),
                                     [](const model::Finding& finding) { return finding.cause == "not-opted-in"; });
    if (ignored && pinned == 0) {
        return "MSG_ZEROCOPY was ignored: the socket never set SO_ZEROCOPY, so every byte was copied as by any send. " +
               copies_sentence(report);
    }
    if (pinned == 0) {
        return "No byte was sent zero-copy" + reason_of_refusal(report) + ". " + copies_sentence(report);
    }
    if (!report.witnesses.moved_flagged_bytes.measured()) {
        return "Whether the zero-copy sends were copied after all could not be seen: " +
               report.witnesses.moved_flagged_bytes.reason() + ".";
    }
    const auto& calls = report.ledger.send_calls;
    if (silent >= flagged && silent != 0) {
        return subject(silent + flagged, pinned, calls) + " copied before the device, " +
               (flagged == 0 ? "silently" : format_bytes(silent) + " silently") + reason(report, true) + "." +
               claim(report.witnesses) + " Zero-copy saved nothing on them.";
    }
    if (flagged != 0) {
        const std::string twice =
            clone != 0 ? " " + sentence_case(clone_taker(report)) + " had them copied once more." : "";
        return subject(flagged + silent, pinned, calls) + " copied after all" +
               (silent != 0 ? ", " + format_bytes(silent) + " silently" : "") + reason(report, false) + "." +
               (is_told_wrongly(report.witnesses) ? claim(report.witnesses) : "") +
               " Zero-copy saved nothing on them, for their pages were pinned and then copied as well." + twice;
    }
    if (!report.witnesses.moved_silent_bytes.measured()) {
        return "Whether the zero-copy sends were copied silently could not be seen: " +
               report.witnesses.moved_silent_bytes.reason() + ".";
    }
    if (clone != 0) {
        return fmt::format("The packets carried user pages to the device, but {} were copied for {}.",
                           format_bytes(clone), clone_taker(report));
    }
    if (ledger::bytes_by(books, ledger::Telling::unknown) != 0) {
        return subject(ledger::bytes_by(books, ledger::Telling::unknown), pinned, calls) +
               " copied on the way, but the call stacks were lost: why, and what the program was told, is not known.";
    }
    if (report.ledger.unexplained_bytes.value_or(0) != 0 || report.witnesses.recorded_copied_calls.value_or(0) != 0) {
        return "No copying function was seen at work, but the books do not agree: whether zero-copy worked is not "
               "known.";
    }
    return "Zero-copy worked: no byte was copied between the program and the device.";
}

std::string untraced_verdict(const Report& report) {
    const auto& told = report.witnesses.told_copied_calls;
    const auto& calls = report.witnesses.told_calls;
    const bool asked = ledger::is_untraced(report.spec);
    std::string text =
        asked ? "Nothing was traced, as --tier none asks, so where bytes were copied is not known."
              : "The workload ran, but nothing of it could be traced, so where bytes were copied is not known.";
    if (told.measured() && calls.measured()) {
        text += fmt::format(" The program was told \"copied\" for {} of {} zero-copy sends.",
                            format_count(told.value()), format_count(calls.value()));
        text += asked || calls.value() == 0 ? "" : " That is all there is to go by, and it can be wrong either way.";
    }
    return text;
}

}  // namespace

std::string verdict_of(const Report& report, const ledger::Books& books) {
    if (report.ledger.payload_bytes.value_or(0) == 0) {
        return "Nothing was sent.";
    }
    if (ledger::is_untraced(report.spec) || model::is_refused(report.spec, report.coverage)) {
        return untraced_verdict(report);
    }
    return report.spec.mode == CopyMode::zerocopy ? zerocopy_verdict(report, books) : copy_mode_verdict(report);
}

}  // namespace netio::explain
