// SPDX-License-Identifier: MIT
#include "report/doctor.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/page.h"

namespace netio::report {

namespace {

using model::Tier;

std::string yes_or(bool is, std::string_view otherwise) {
    return is ? "yes" : std::string{otherwise};
}

void put_kernel(Page& page, const DoctorFacts& facts) {
    const model::Environment& machine = facts.environment;
    std::string where = machine.hypervisor.empty() ? "bare metal" : "virtual machine";
    where += machine.hypervisor.empty() || machine.hypervisor == "unnamed" ? "" : ": " + machine.hypervisor;
    page.section("Kernel", {{items({trim("Linux " + machine.kernel_release + " " + machine.machine),
                                    count_of(machine.cpus, "CPU", "CPUs"), where})},
                            {items({"lockdown " + machine.lockdown, "BTF " + yes_or(facts.btf, "none"),
                                    facts.tracefs.empty() ? "tracefs not mounted" : "tracefs mounted",
                                    "kprobes " + yes_or(facts.kprobes, "none")})}});
}

// "lacks CAP_BPF, CAP_PERFMON: needed to attach probes", each purpose once.
std::vector<Paragraph> lacking(const std::vector<CapabilityFacts>& capabilities) {
    std::vector<std::pair<std::string, std::string>> names_by_purpose;
    for (const auto& capability : capabilities) {
        if (capability.held) {
            continue;
        }
        const auto known = std::ranges::find_if(names_by_purpose,
                                                [&](const auto& entry) { return entry.first == capability.purpose; });
        if (known == names_by_purpose.end()) {
            names_by_purpose.emplace_back(capability.purpose, capability.name);
        } else {
            known->second += ", " + capability.name;
        }
    }
    std::vector<Paragraph> paragraphs;
    for (const auto& [purpose, names] : names_by_purpose) {
        paragraphs.push_back({"lacks " + names + ": needed " + purpose});
    }
    return paragraphs;
}

void put_user(Page& page, const DoctorFacts& facts) {
    std::vector<std::string> held;
    for (const auto& capability : facts.capabilities) {
        if (capability.held) {
            held.push_back(capability.name);
        }
    }
    const std::string who = facts.user_id == 0 ? "root" : "user " + std::to_string(facts.user_id) + ", not root";
    page.section("You", {{who + (held.empty() ? "" : ", with " + join(held, ", "))}});
    page.section("", lacking(facts.capabilities));
}

// The tier says already that a symbol is a tracepoint; fentry and fexit of one function are two things.
std::string attached_text(const model::ProbeFacts& probe) {
    constexpr std::string_view said_by_tier = "tp_btf/";
    std::string text = probe.attached;
    for (std::size_t at = text.find(said_by_tier); at != std::string::npos; at = text.find(said_by_tier, at)) {
        text.erase(at, said_by_tier.size());
    }
    return text;
}

std::vector<Cell> probe_row(const model::ProbeFacts& probe) {
    if (probe.tier == Tier::none) {
        const Ink ink = probe.required ? Ink::bad : Ink::warning;
        return {{probe.probe}, {"none", ink}, {(probe.required ? "required: " : "optional: ") + probe.meaning}};
    }
    return {{probe.probe}, {std::string{to_string(probe.tier)}, Ink::good}, {attached_text(probe)}};
}

struct Refusals {
    std::string reason;
    std::vector<std::string> variants;  // "fentry/skb_copy_ubufs", each once
};

void add_refusal(std::vector<Refusals>& groups, const std::string& refusal) {
    const std::size_t colon = refusal.find(": ");
    const std::string variant = refusal.substr(0, colon);
    const std::string reason = colon == std::string::npos ? "no reason was given" : refusal.substr(colon + 2);
    auto group = std::ranges::find(groups, reason, &Refusals::reason);
    if (group == groups.end()) {
        group = groups.insert(group, {reason, {}});
    }
    if (std::ranges::find(group->variants, variant) == group->variants.end()) {
        group->variants.push_back(variant);
    }
}

// "fentry/a, fentry/b and 9 more: Operation not permitted (EPERM)"; the JSON form has them all.
std::string refusal_text(const Refusals& group) {
    constexpr std::ptrdiff_t shown = 6;
    const auto count = std::ssize(group.variants);
    if (count <= shown + 1) {
        return join(group.variants, ", ") + ": " + group.reason;
    }
    const std::vector<std::string> first(group.variants.begin(), group.variants.begin() + shown);
    return join(first, ", ") + " and " + std::to_string(count - shown) + " more: " + group.reason;
}

void add_refusals(std::vector<Refusals>& groups, const std::vector<model::ProbeFacts>& probes) {
    for (const auto& probe : probes) {
        for (const auto& refusal : probe.refused) {
            add_refusal(groups, refusal);
        }
    }
}

std::vector<Paragraph> refusals_in(const DoctorFacts& facts) {
    std::vector<Refusals> groups;
    add_refusals(groups, facts.probes);
    for (const auto& tier : facts.tiers) {
        add_refusals(groups, tier.probes);
    }
    std::vector<Paragraph> paragraphs;
    for (const auto& group : groups) {
        paragraphs.push_back({refusal_text(group)});
    }
    return paragraphs;
}

// "required probes by fentry 0 of 5 · kprobe 0 of 5 · tracepoint 5 of 5"
void put_tiers(Page& page, const std::vector<TierFacts>& tiers) {
    std::vector<std::string> parts;
    for (const auto& tier : tiers) {
        const auto required = std::ranges::count_if(tier.probes, &model::ProbeFacts::required);
        const auto attached = std::ranges::count_if(
            tier.probes, [](const auto& probe) { return probe.required && probe.tier != Tier::none; });
        parts.push_back(std::string{to_string(tier.tier)} + " " + std::to_string(attached) + " of " +
                        std::to_string(required));
    }
    if (!parts.empty()) {
        page.section("Tiers", {{"required probes by " + items(parts)}});
    }
}

void put_probes(Page& page, const DoctorFacts& facts) {
    Grid grid{"Probes", Page::margin, {{Align::left}, {Align::left}, {Align::left}}, {}};
    for (const auto& probe : facts.probes) {
        grid.rows.push_back(probe_row(probe));
    }
    if (grid.rows.empty()) {
        page.section("Probes", {{"none was tried"}});
        return;
    }
    page.grid(grid);
    put_tiers(page, facts.tiers);
    page.section("Refused", refusals_in(facts));
}

void put_counters(Page& page, const DoctorFacts& facts) {
    std::vector<std::string> counted;
    Missing missing;
    for (const auto& event : facts.events) {
        if (event.refusal.empty()) {
            counted.push_back(event.event);
        } else {
            missing.add(event.event, event.refusal);
        }
    }
    page.section("Counters", {{"hardware PMU " + (facts.pmus.empty() ? "none" : "yes: " + join(facts.pmus, ", "))},
                              {counted.empty() ? "no event can be counted" : "counted: " + join(counted, ", ")}});
    for (const auto& sentence : missing.sentences()) {
        page.section("", {{sentence}});
    }
}

template <class Number>
bool parse_whole(const std::string& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string limit_text(const model::Environment& environment, const std::string& name, std::string_view unit) {
    const auto found = environment.limits.find(name);
    if (found == environment.limits.end()) {
        return std::string{not_available};
    }
    std::uint64_t number = 0;
    return parse_whole(found->second, number) ? format_count(number) + std::string{unit} : found->second;
}

// What level lets a user count who has no CAP_PERFMON (perf_event_open(2); Debian and others add the levels above 2).
std::string paranoid_meaning(const model::Environment& environment) {
    const auto found = environment.limits.find("kernel.perf_event_paranoid");
    int level = 0;
    if (found == environment.limits.end() || !parse_whole(found->second, level)) {
        return "what may be counted without CAP_PERFMON";
    }
    if (level > 2) {
        return "nothing is counted without CAP_PERFMON";
    }
    return level == 2 ? "only user space is counted without CAP_PERFMON" : "all events of a thread are counted";
}

void put_limits(Page& page, const DoctorFacts& facts) {
    const auto limit = [&](const std::string& name, std::string_view unit, const std::string& meaning) {
        return Paragraph{name + " " + limit_text(facts.environment, name, unit) + ": " + meaning, Ink::plain, name};
    };
    page.section("Limits",
                 {limit("net.core.optmem_max", " B",
                        "a socket's zero-copy calls in flight; beyond it send() fails with ENOBUFS"),
                  limit("RLIMIT_MEMLOCK", " B",
                        facts.memlock_skipped ? "no limit for you, as CAP_IPC_LOCK skips it"
                                              : "the pages a user may pin for zero-copy; beyond it send() fails with "
                                                "ENOBUFS (CAP_IPC_LOCK skips it)"),
                  limit("kernel.perf_event_paranoid", "", paranoid_meaning(facts.environment))});
}

std::vector<Cell> tap_row(const model::TapFacts& tap) {
    const std::string owner = tap.pid > 0 ? tap.command + " (pid " + std::to_string(tap.pid) + ")" : "owner not seen";
    const std::string device = tap.device.empty() ? "every device" : tap.device;
    return {{owner}, {device}, {tap.protocol == "all" ? "sent and received" : "received, type " + tap.protocol}};
}

void put_taps(Page& page, const DoctorFacts& facts) {
    if (!facts.taps_unknown.empty()) {
        page.section("Taps", {{"n/a: " + facts.taps_unknown}});
        return;
    }
    if (facts.taps.empty()) {
        page.section("Taps", {{"none: no packet socket listens in this network namespace"}});
        return;
    }
    Grid grid{"Taps", Page::margin, {{Align::left, 28}, {Align::left}, {Align::left}}, {}};
    std::ranges::transform(facts.taps, std::back_inserter(grid.rows), tap_row);
    page.grid(grid);
    page.section("", {{"Zero-copy data that passes a tap is copied for it. netio-trace runs in namespaces of its own, "
                       "which these taps do not see."}});
}

}  // namespace

std::string render_doctor(const DoctorFacts& facts, const TerminalStyle& style) {
    Page page{style};
    page.text({trim("netio-trace " + facts.environment.tool_version) + ": what this kernel and machine allow",
               Ink::plain, "netio-trace"});
    page.blank();
    const DoctorVerdict verdict = judge(facts);
    page.text({"What works: " + verdict.text, Ink::plain, "What works:"});
    page.blank();
    put_kernel(page, facts);
    put_user(page, facts);
    page.blank();
    put_probes(page, facts);
    page.blank();
    put_counters(page, facts);
    page.blank();
    put_limits(page, facts);
    page.blank();
    put_taps(page, facts);
    return page.result();
}

}  // namespace netio::report
