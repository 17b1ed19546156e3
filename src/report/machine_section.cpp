// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "report/counter_figures.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

// What the whole machine did while the workload ran, in a few lines: to be held against what its threads did.

namespace netio::report {

namespace {

using model::MachineRow;

// What is told in the report itself: time, cycles, instructions, and what was asked for by name. The rest is evidence.
bool is_shown(const MachineRow& row, Depth depth) {
    return depth == Depth::evidence || !is_rare(row.event);
}

// "cpu_core 12.3 M, cpu_atom 4.56 M"
std::string of_parts(const MachineRow& row) {
    std::vector<std::string> parts;
    for (const auto& part : row.parts) {
        parts.push_back(part.pmu + " " + amount(row.event, part.total));
    }
    return parts.size() < 2 ? std::string{} : join(parts, ", ");
}

// "busy" for "busy-time", which has a unit to say what it is.
std::string name_of(const MachineRow& row) {
    constexpr std::string_view time = "-time";
    const bool is_account = is_time(row.event) && row.event.ends_with(time);
    return is_account ? row.event.substr(0, row.event.size() - time.size()) : row.event;
}

// "cycles* 16.9 M (1.02/B; cpu_core 12.3 M, cpu_atom 4.56 M)"
std::string item(const MachineRow& row) {
    std::vector<std::string> more;
    if (const std::string relative = per_byte(row.event, row.per_byte); !relative.empty()) {
        more.push_back(relative + "/B");
    }
    if (const std::string parts = of_parts(row); !parts.empty()) {
        more.push_back(parts);
    }
    const std::string text = name_of(row) + (row.running_share < 1 ? "* " : " ") + amount(row.event, row.total);
    return more.empty() ? text : text + " (" + join(more, "; ") + ")";
}

// Events that no thread could count either have their reason there already.
bool is_told(const MachineRow& row, const std::vector<model::CounterRow>& counters) {
    return std::ranges::any_of(counters, [&](const model::CounterRow& other) {
        return other.event == row.event && !other.total.measured() && other.total.reason() == row.total.reason();
    });
}

}  // namespace

void put_machine(Page& page, const model::Report& report, Depth depth) {
    if (!report.machine_counters) {
        return;
    }
    std::vector<std::string> measured;
    Missing missing;
    double share = 1;
    for (const auto& row : report.machine_counters->rows) {
        if (row.total.measured() && is_shown(row, depth)) {
            measured.push_back(item(row));
            share = std::min(share, row.running_share);
        } else if (!row.total.measured() && !is_told(row, report.counters)) {
            missing.add(name_of(row), row.total.reason());
        }
    }
    std::vector<Paragraph> paragraphs;
    if (!measured.empty()) {
        measured.insert(measured.begin(), count_of(report.machine_counters->cpus, "CPU", "CPUs"));
        paragraphs.push_back({items(measured)});
    }
    for (const auto& sentence : missing.sentences()) {
        paragraphs.push_back({sentence});
    }
    if (share < 1) {
        paragraphs.push_back({"* scaled: the counter ran " + format_percent(share) + " of the time or more"});
    }
    page.section("Machine", paragraphs);
}

}  // namespace netio::report
