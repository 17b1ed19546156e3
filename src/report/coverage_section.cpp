// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

namespace netio::report {

namespace {

using model::ProbeFacts;

// "fentry/skb_copy_ubufs, kprobe/skb_copy_ubufs: Operation not permitted (EPERM)": each reason once.
std::string refusals_of(const ProbeFacts& probe) {
    std::vector<std::pair<std::string, std::string>> variants_by_reason;
    for (const auto& refusal : probe.refused) {
        const std::size_t colon = refusal.find(": ");
        const std::string variant = refusal.substr(0, colon);
        const std::string reason = colon == std::string::npos ? "" : refusal.substr(colon + 2);
        const auto found = std::ranges::find(variants_by_reason, reason, [](const auto& entry) { return entry.first; });
        if (found == variants_by_reason.end()) {
            variants_by_reason.emplace_back(reason, variant);
        } else {
            found->second += ", " + variant;
        }
    }
    std::vector<std::string> texts;
    for (const auto& [reason, variants] : variants_by_reason) {
        texts.push_back(reason.empty() ? variants : variants + ": " + reason);
    }
    return texts.empty() ? "no variant was tried" : join(texts, "; ");
}

// Required ones first.
std::vector<ProbeFacts> missing_probes(const model::Report& report) {
    std::vector<ProbeFacts> missing;
    for (const bool required : {true, false}) {
        std::ranges::copy_if(report.coverage, std::back_inserter(missing), [&](const ProbeFacts& probe) {
            return probe.tier == model::Tier::none && probe.required == required;
        });
    }
    return missing;
}

Paragraph missing_probe(const ProbeFacts& probe, const std::string& reason) {
    const std::string meaning = probe.meaning.empty() ? "" : " (" + probe.meaning + ")";
    const std::string kind = probe.required ? "required probe " : "probe ";
    return {kind + probe.probe + meaning + reason, probe.required ? Ink::bad : Ink::plain};
}

// A reason that stands for several probes is said once, below them.
std::vector<Paragraph> spell_missing(const std::vector<ProbeFacts>& missing) {
    const bool one_reason = missing.size() > 1 && std::ranges::all_of(missing, [&](const ProbeFacts& probe) {
                                return probe.refused == missing.front().refused;
                            });
    std::vector<Paragraph> paragraphs;
    for (const ProbeFacts& probe : missing) {
        paragraphs.push_back(missing_probe(probe, one_reason ? "" : ": " + refusals_of(probe)));
    }
    if (one_reason) {
        paragraphs.push_back({"for all of these: " + refusals_of(missing.front()), Ink::bad});
    }
    return paragraphs;
}

// What the core says of a probe that is missing stands there already, with all of its refusals.
bool is_of_missing(const std::string& gap, const std::vector<ProbeFacts>& missing) {
    return std::ranges::any_of(missing, [&](const ProbeFacts& probe) { return gap.starts_with(probe.probe + " ("); });
}

// "12 of 12 probes attached", or why there are none.
std::string attached(const model::Report& report) {
    const auto& coverage = report.coverage;
    if (report.spec.tier == model::Tier::none) {
        return "nothing was traced, as --tier none asks: what the kernel did with the bytes is unknown";
    }
    if (coverage.empty()) {
        return "no probe was tried: what the kernel did is unknown";
    }
    const auto count =
        std::ranges::count_if(coverage, [](const auto& probe) { return probe.tier != model::Tier::none; });
    return std::to_string(count) + " of " + count_of(coverage.size(), "probe", "probes") + " attached";
}

std::string tap_text(const model::TapFacts& tap) {
    const std::string owner = tap.pid > 0 ? tap.command + " (pid " + std::to_string(tap.pid) + ")" : "owner not found";
    const std::string device = tap.device.empty() ? "every device" : tap.device;
    return items({owner, "in namespace " + tap.namespace_of, device, "protocol " + tap.protocol});
}

void put_taps(Page& page, const std::vector<model::TapFacts>& taps) {
    constexpr std::size_t taps_shown = 3;
    std::vector<Paragraph> paragraphs;
    for (const auto& tap : taps) {
        if (paragraphs.size() == taps_shown) {
            paragraphs.push_back({"and " + std::to_string(taps.size() - taps_shown) + " more"});
            break;
        }
        paragraphs.push_back({tap_text(tap)});
    }
    page.section("Taps", paragraphs);
}

}  // namespace

void put_coverage(Page& page, const model::Report& report) {
    put_taps(page, report.taps);
    const std::vector<ProbeFacts> missing = missing_probes(report);
    std::vector<Paragraph> paragraphs = spell_missing(missing);
    for (const auto& gap : report.not_seen) {
        if (!is_of_missing(gap, missing)) {
            paragraphs.push_back({gap});
        }
    }
    const std::string summary = attached(report);
    paragraphs.push_back({paragraphs.empty() && !report.coverage.empty() ? "nothing: " + summary : summary});
    page.section("Not seen", paragraphs);
}

}  // namespace netio::report
