// SPDX-License-Identifier: MIT
#include "explain/costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "explain/digits.h"

namespace netio::explain {

using model::Account;
using model::Profile;
using model::Report;
using model::StageCost;

namespace {

constexpr std::size_t classes_named = 3;

bool is_late(const Account& account) {
    return account.id.starts_with("late.");
}

// The class of the profile that is an account's work; empty where there is none.
std::string_view class_of(const Account& account) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> classes{
        {{"sent.copied", "copy-in"}, {"sent.pinned", "page-pinning"}, {"received.copied", "copy-out"}}};
    for (const auto& [id, stage] : classes) {
        if (account.id == id) {
            return stage;
        }
    }
    return is_late(account) ? "copy-late" : "";
}

std::vector<const StageCost*> dearest(const Profile& profile) {
    std::vector<const StageCost*> costs;
    for (const StageCost& cost : profile.stages) {
        if (cost.id != "other" && printed(cost.per_byte.value()) > 0) {
            costs.push_back(&cost);
        }
    }
    std::ranges::stable_sort(
        costs, [](const StageCost* a, const StageCost* b) { return a->per_byte.value() > b->per_byte.value(); });
    costs.resize(std::min(costs.size(), classes_named));
    return costs;
}

}  // namespace

void add_costs(Report& report) {
    if (!report.profile || !report.profile->total.per_byte.measured()) {
        return;
    }
    const auto late = std::ranges::count_if(report.ledger.accounts, is_late);
    for (Account& account : report.ledger.accounts) {
        const auto& stages = report.profile->stages;
        const auto stage = std::ranges::find(stages, class_of(account), &StageCost::id);
        if (stage != stages.end() && !(is_late(account) && late > 1)) {
            account.cost_per_byte = stage->per_byte.value();
        }
    }
}

std::string cost_sentence(const Report& report) {
    if (!report.profile || report.profile->total.per_byte.value_or(0) <= 0) {
        return {};
    }
    const Profile& profile = *report.profile;
    const double whole = printed(profile.total.per_byte.value());
    double rest = whole;
    std::vector<std::string> parts;
    for (const StageCost* cost : dearest(profile)) {
        parts.push_back(fmt::format("{:.3f} {}", printed(cost->per_byte.value()), cost->name));
        rest -= printed(cost->per_byte.value());
    }
    parts.push_back(fmt::format("{:.3f} all else", printed(rest)));
    return fmt::format("By samples of {} a payload byte cost {:.3f} {}: {}.", profile.event, whole, profile.unit,
                       join(parts, ", "));
}

}  // namespace netio::explain
