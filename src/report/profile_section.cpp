// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

// What kernel work each payload byte cost, found by interrupting the processors: a table by class, and what the figures
// are and are not.

namespace netio::report {

namespace {

using model::Profile;
using model::StageCost;

constexpr std::size_t columns_for_functions = 110;

// "12.3 ±0.6 %"
std::string share_of(const StageCost& cost) {
    return fmt::format("{:.1f}", 100 * cost.share) + unbreakable(fmt::format(" \u00b1{:.1f} %", 100 * cost.margin));
}

std::uint64_t samples_of(const StageCost& cost) {
    return cost.server.samples + cost.client.samples + cost.elsewhere.samples;
}

std::vector<Cell> row_of(const StageCost& cost, bool total, bool with_functions) {
    const Ink ink = total ? Ink::bold : Ink::plain;
    std::vector<Cell> cells{{cost.name, ink},
                            {format_per_byte(cost.server_per_byte)},
                            {format_per_byte(cost.client_per_byte)},
                            {format_per_byte(cost.elsewhere_per_byte)},
                            {format_per_byte(cost.per_byte), ink},
                            {total ? std::string() : share_of(cost)}};
    if (with_functions) {
        cells.push_back({join(cost.functions, ", "), Ink::faint});
    }
    return cells;
}

Grid grid_of(const Profile& profile, bool with_functions) {
    Grid grid{profile.unit == "cycles" ? "Where the cycles went" : "Where the time went",
              2,
              {{Align::left, 23},
               {Align::right, 7, 6},
               {Align::right, 7, 6},
               {Align::right, 9},
               {Align::right, 8, 6},
               {Align::right, 12}},
              {}};
    grid.rows.push_back({{}, {"server"}, {"client"}, {"elsewhere"}, {profile.unit + "/B"}, {"share"}});
    if (with_functions) {
        grid.columns.push_back({Align::left});
        grid.rows.back().push_back({"mostly"});
    }
    for (const StageCost& cost : profile.stages) {
        if (samples_of(cost) != 0) {
            grid.rows.push_back(row_of(cost, false, with_functions));
        }
    }
    grid.rows.push_back(row_of(profile.total, true, with_functions));
    return grid;
}

std::string how(const Profile& profile) {
    return fmt::format("{} at {} Hz on {}, {} in the table; elsewhere: network code in other tasks, whoever's packets",
                       profile.event, format_count(profile.rate_hz), count_of(profile.cpus, "CPU", "CPUs"),
                       count_of(profile.samples, "sample", "samples"));
}

std::string how_much_is_named(const Profile& profile) {
    if (!profile.named_share.measured()) {
        return "classes n/a: " + profile.named_share.reason();
    }
    return format_percent(profile.named_share.value()) +
           " of the kernel samples of server and client are in a class with a name (docs/profile.md)";
}

// What makes the figures too low, or another kind of figure than was to be expected.
std::vector<std::string> reservations(const Profile& profile) {
    constexpr double nearly_all = 0.98;
    std::vector<std::string> notes;
    if (!profile.not_cycles.empty()) {
        notes.push_back("time by a timer, not cycles: " + profile.not_cycles);
    }
    if (profile.running_share < 1) {
        notes.push_back("scaled: the counter shared its hardware and ran " + format_percent(profile.running_share) +
                        " of the time");
    }
    if (profile.lost != 0) {
        notes.push_back(count_of(profile.lost, "sample was", "samples were") +
                        " lost because a buffer was full: the figures are too low");
    }
    if (profile.throttled != 0) {
        notes.push_back("the kernel throttled sampling " + count_of(profile.throttled, "time", "times") +
                        " (kernel.perf_event_max_sample_rate): the figures are too low");
    }
    if (profile.covered_share.value_or(1) < nearly_all) {
        notes.push_back("samples stand for " + format_percent(profile.covered_share.value()) + " of what " +
                        profile.event + " counted: the figures are too low");
    }
    return notes;
}

std::string empty_classes(const Profile& profile) {
    std::vector<std::string> names;
    for (const StageCost& cost : profile.stages) {
        if (samples_of(cost) == 0) {
            names.push_back(cost.name);
        }
    }
    return names.empty() ? std::string() : "no sample in: " + join(names, ", ");
}

}  // namespace

void put_profile(Page& page, const std::optional<Profile>& profile) {
    if (!profile) {
        return;
    }
    page.grid(grid_of(*profile, page.columns() >= columns_for_functions));
    Missing missing;
    missing.add_unless_measured("per byte", profile->total.per_byte);
    std::vector<std::string> notes{how(*profile), how_much_is_named(*profile)};
    for (const auto& more : {reservations(*profile), missing.sentences()}) {
        notes.insert(notes.end(), more.begin(), more.end());
    }
    if (const std::string empty = empty_classes(*profile); !empty.empty()) {
        notes.push_back(empty);
    }
    for (const std::string& note : notes) {
        page.text({unbreakable("  ") + note}, 4);
    }
}

}  // namespace netio::report
