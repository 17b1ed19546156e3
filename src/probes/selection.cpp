// SPDX-License-Identifier: MIT
#include "probes/selection.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace netio::probes {

using model::Tier;

namespace {

bool has_tier(const Probe& probe, Tier tier) {
    return std::any_of(probe.variants.begin(), probe.variants.end(),
                       [tier](const Variant& variant) { return variant.tier == tier; });
}

bool attaches(const Variant& variant, const Try& attempt, std::vector<std::string>& refused) {
    for (const Program& program : variant.programs) {
        const auto outcome = attempt(program);
        if (!outcome) {
            refused.push_back(spell(program) + ": " + outcome.error().why);
            return false;
        }
    }
    return true;
}

std::vector<Program> programs_of(const Choice& choice) {
    std::vector<Program> programs;
    if (choice.variant != nullptr) {
        programs = choice.variant->programs;
    }
    programs.insert(programs.end(), choice.beside.begin(), choice.beside.end());
    return programs;
}

Choice choose(const Probe& probe, const Conditions& conditions, const Try& attempt) {
    Choice choice{&probe, nullptr, {}, {}};
    // What the ledger can do without may come from any tier.
    const bool applies = probe.required && conditions.forced != Tier::automatic && has_tier(probe, conditions.forced);
    for (const Variant& variant : probe.variants) {
        const bool fits = !variant.against_preemption || (conditions.preempted && !applies);
        if (!fits || (applies && variant.tier != conditions.forced)) {
            continue;
        }
        if (attaches(variant, attempt, choice.refused)) {
            choice.variant = &variant;
            break;
        }
    }
    if (choice.variant != nullptr && choice.variant->tier == Tier::fentry) {
        std::copy_if(probe.beside.begin(), probe.beside.end(), std::back_inserter(choice.beside),
                     [&](const Program& program) { return attempt(program).has_value(); });
    }
    return choice;
}

}  // namespace

std::vector<Choice> select_variants(const std::vector<Probe>& probes, const Conditions& conditions,
                                    const Try& attempt) {
    std::vector<Choice> choices;
    for (const Probe& probe : probes) {
        choices.push_back(choose(probe, conditions, attempt));
    }
    return choices;
}

std::vector<Program> programs_of(const std::vector<Choice>& choices) {
    std::vector<Program> programs;
    for (const Choice& choice : choices) {
        for (const Program& program : programs_of(choice)) {
            const bool known = std::any_of(programs.begin(), programs.end(),
                                           [&](const Program& other) { return other.name == program.name; });
            if (!known) {
                programs.push_back(program);
            }
        }
    }
    return programs;
}

std::vector<model::ProbeFacts> describe_choices(const std::vector<Choice>& choices) {
    std::vector<model::ProbeFacts> facts;
    for (const Choice& choice : choices) {
        model::ProbeFacts fact;
        fact.probe = choice.probe->id;
        fact.meaning = choice.probe->meaning;
        fact.required = choice.probe->required;
        fact.refused = choice.refused;
        if (choice.variant != nullptr) {
            std::vector<std::string> names;
            for (const Program& program : programs_of(choice)) {
                const std::string name = spell(program);
                if (std::find(names.begin(), names.end(), name) == names.end()) {
                    names.push_back(name);
                }
            }
            fact.tier = choice.variant->tier;
            fact.attached = join(names, " + ");
            fact.limits = choice.variant->limits;
        }
        facts.push_back(std::move(fact));
    }
    return facts;
}

Result<void> check_forced(const std::vector<Choice>& choices, Tier forced) {
    if (forced == Tier::automatic) {
        return {};
    }
    for (const Choice& choice : choices) {
        if (choice.variant == nullptr && choice.probe->required) {
            return fail(
                "tier " + std::string(to_string(forced)) + " cannot attach the probe " + std::string(choice.probe->id),
                choice.refused.empty() ? "it has no variant" : choice.refused.back(),
                "leave out --tier, or see what this kernel allows: netio-trace doctor", ExitCode::privilege);
        }
    }
    return {};
}

std::string verifier_word(std::string_view complaint) {
    constexpr std::string_view begin_mark = "-- BEGIN PROG LOAD LOG --\n";
    const auto begin = complaint.rfind(begin_mark);
    if (begin == std::string_view::npos) {
        return {};
    }
    const auto log = complaint.substr(begin + begin_mark.size());
    std::string word;
    for (const std::string& line : split(std::string(log.substr(0, log.find("-- END PROG LOAD LOG --"))), '\n')) {
        const std::string text = trim(line);
        // The sums at the end (print_verification_stats).
        const bool is_sum = text.starts_with("processed ") || text.starts_with("verification time ") ||
                            text.starts_with("stack depth ");
        word = text.empty() || is_sum ? word : text;
    }
    return word;
}

}  // namespace netio::probes
