// SPDX-License-Identifier: MIT
#include "predict/agreement.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace netio::predict {

namespace {

using Causes = std::set<std::string>;
using Verdict = Agreement::Verdict;

Causes named(const model::Report& report) {
    Causes causes;
    for (const auto& finding : report.findings) {
        causes.insert(finding.cause);
    }
    return causes;
}

Causes expected(const Prediction& prediction, bool certain) {
    Causes causes;
    for (const Expected& cause : prediction.causes) {
        if (cause.certain == certain) {
            causes.insert(cause.cause);
        }
    }
    return causes;
}

Causes unknowable(const Prediction& prediction) {
    Causes causes;
    for (const Unknown& unknown : prediction.unknown) {
        causes.insert(unknown.causes.begin(), unknown.causes.end());
    }
    return causes;
}

std::string list(const Causes& causes) {
    return join(std::vector<std::string>(causes.begin(), causes.end()), ", ");
}

Causes without(Causes from, const Causes& taken) {
    for (const std::string& cause : taken) {
        from.erase(cause);
    }
    return from;
}

std::uint64_t pinned_bytes(const model::Report& report) {
    for (const auto& account : report.ledger.accounts) {
        if (account.id == "sent.pinned") {
            return account.bytes.value_or(0);
        }
    }
    return 0;
}

std::uint64_t moved_bytes(const model::Witnesses& witnesses) {
    return witnesses.moved_flagged_bytes.value_or(0) + witnesses.moved_silent_bytes.value_or(0) +
           witnesses.moved_clone_bytes.value_or(0);
}

// What the outcome says of bytes and of the error queue, where all of that was measured; empty: it holds.
std::string broken_outcome(const Prediction& prediction, const model::Report& report) {
    const model::Witnesses& witnesses = report.witnesses;
    const std::uint64_t moved = moved_bytes(witnesses);
    // Merged notifications may lose the flag; the kernel's record of each call does not.
    const std::uint64_t told =
        std::max(witnesses.told_copied_calls.value_or(0), witnesses.recorded_copied_calls.value_or(0));
    const bool perhaps_silent = std::any_of(prediction.causes.begin(), prediction.causes.end(),
                                            [](const Expected& cause) { return cause.silent; });
    switch (prediction.outcome) {
        case Outcome::copied_late:
            if (moved == 0) {
                return "nothing was copied late";
            }
            return told == 0 && !perhaps_silent && witnesses.told_calls.value_or(0) != 0
                       ? "the program was not told of a copy"
                       : "";
        case Outcome::copied_silently:
            return witnesses.moved_silent_bytes.value_or(0) == 0 ? "nothing was copied silently" : "";
        case Outcome::not_copied:
            return moved != 0 || told != 0 ? "something was copied" : "";
        case Outcome::not_delivered:
            return "it arrived";
        case Outcome::cannot_know:
            return {};
    }
    return {};
}

}  // namespace

Agreement compare(const Prediction& prediction, const model::Report& report) {
    const Causes came = named(report);
    const Causes certain = expected(prediction, true);
    const Causes foreseen_not = without(without(came, certain), expected(prediction, false));
    const Causes surprises = without(foreseen_not, unknowable(prediction));
    if (!surprises.empty()) {
        return {Verdict::contradicts, list(surprises) + " was not predicted"};
    }
    // Where the program hands over no pages, nothing that is predicted of them can come about.
    if (pinned_bytes(report) == 0) {
        return {Verdict::cannot_know, list(foreseen_not)};
    }
    if (const Causes missing = without(certain, came); !missing.empty()) {
        return {Verdict::contradicts, list(missing) + " was predicted"};
    }
    if (const std::string broken = broken_outcome(prediction, report); !broken.empty()) {
        return {Verdict::contradicts, std::string(to_string(prediction.outcome)) + " was predicted, and " + broken};
    }
    const bool unsure = prediction.outcome == Outcome::cannot_know || !foreseen_not.empty();
    return {unsure ? Verdict::cannot_know : Verdict::agrees, list(foreseen_not)};
}

}  // namespace netio::predict
