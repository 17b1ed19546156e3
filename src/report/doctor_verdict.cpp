// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "report/doctor.h"
#include "report/figures.h"

namespace netio::report {

namespace {

using model::ProbeFacts;
using model::Tier;

constexpr std::string_view without_root = "`netio-trace replay FILE` works without root.";
constexpr std::string_view untraced = "`netio-trace --tier none` runs the workload without tracing it.";

bool is_missing(const ProbeFacts& probe) {
    return probe.tier == Tier::none;
}

std::vector<ProbeFacts> required_in(const std::vector<ProbeFacts>& probes) {
    std::vector<ProbeFacts> required;
    std::ranges::copy_if(probes, std::back_inserter(required), [](const auto& probe) { return probe.required; });
    return required;
}

std::string names_of_missing(const std::vector<ProbeFacts>& probes) {
    std::vector<std::string> names;
    for (const auto& probe : probes) {
        if (is_missing(probe)) {
            names.push_back(probe.probe);
        }
    }
    return join(names, ", ");
}

std::string plural_of(const std::string& tier) {
    return tier == to_string(Tier::fentry) ? tier : tier + "s";
}

// "tracepoints", "fentry and tracepoints": how the required probes are attached.
std::string means_of(const std::vector<ProbeFacts>& probes) {
    std::vector<std::string> means;
    for (const auto& tier : tiers_used(probes)) {
        means.push_back(plural_of(tier));
    }
    return join(means, " and ");
}

std::string sentences(const std::vector<std::string_view>& parts) {
    std::string text;
    for (const auto part : parts) {
        text += part.empty() || text.empty() ? "" : " ";
        text += part;
    }
    return text;
}

// Why nothing can be traced, with what works instead; empty: something can.
std::string obstacle(const DoctorFacts& facts) {
    const bool nothing = std::ranges::all_of(facts.probes, is_missing);
    if (!facts.can_make_networks && facts.user_id != 0) {
        return sentences({"Without root nothing can be traced; try `sudo netio-trace doctor`.", without_root});
    }
    if (!facts.can_make_networks) {
        return sentences({"Nothing can be traced: this root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN, as in a container;",
                          "try it on the host or in a privileged container.", without_root});
    }
    if (!facts.btf) {
        return sentences({"Nothing can be traced: the kernel describes no types (/sys/kernel/btf/vmlinux is missing);",
                          "try a kernel with CONFIG_DEBUG_INFO_BTF.", untraced, without_root});
    }
    if (nothing) {
        return sentences({"Nothing can be traced: the kernel refuses every probe.", untraced, without_root});
    }
    const std::string missing = names_of_missing(required_in(facts.probes));
    if (facts.asked != Tier::automatic && !missing.empty()) {
        const std::string option = "--tier " + std::string{to_string(facts.asked)};
        return "`" + option + "` cannot be had here: it attaches no " + missing + ". Leave out --tier.";
    }
    return {};
}

std::string what_is_measured(const DoctorFacts& facts) {
    const auto required = required_in(facts.probes);
    const std::string missing = names_of_missing(required);
    if (missing.empty()) {
        return "The whole ledger can be measured here, by " + means_of(required) + ".";
    }
    return "Part of the ledger can be measured here, by " + means_of(facts.probes) + ": what " + missing +
           " would tell is n/a in the report.";
}

std::string what_else_is_missing(const DoctorFacts& facts) {
    std::vector<ProbeFacts> optional;
    std::ranges::copy_if(facts.probes, std::back_inserter(optional), [](const auto& probe) { return !probe.required; });
    const std::string missing = names_of_missing(optional);
    return missing.empty() ? "" : "It closes without " + missing + ", but explains less.";
}

std::string what_is_counted(const DoctorFacts& facts) {
    const auto refused = std::ranges::count_if(facts.events, [](const auto& event) { return !event.refusal.empty(); });
    if (refused == 0) {
        return "";
    }
    return "Counters: " + std::to_string(static_cast<std::ptrdiff_t>(facts.events.size()) - refused) + " of " +
           std::to_string(facts.events.size()) + (facts.pmus.empty() ? ", for there is no hardware PMU." : ".");
}

}  // namespace

DoctorVerdict judge(const DoctorFacts& facts) {
    if (std::string why = obstacle(facts); !why.empty()) {
        return {false, std::move(why)};
    }
    return {true, sentences({what_is_measured(facts), what_else_is_missing(facts), what_is_counted(facts)})};
}

}  // namespace netio::report
