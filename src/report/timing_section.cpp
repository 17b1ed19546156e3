// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

// What each stage of the data path cost a payload byte, timed by probes on its entry and its exit.

namespace netio::report {

namespace {

using model::StageTime;
using model::Timing;

constexpr std::size_t columns_for_ends = 100;

struct Shape {
    bool counted;  // cycles and instructions are there
    bool ends;     // room for server and client apart, and for the functions
};

std::vector<Cell> row_of(const StageTime& stage, const Shape& shape, const Ink ink) {
    std::vector<Cell> cells{{stage.name, ink},
                            {stage.calls.measured() ? format_count(stage.calls.value()) : std::string(not_available)}};
    if (shape.ends) {
        cells.push_back({format_per_byte(stage.server_ns_per_byte)});
        cells.push_back({format_per_byte(stage.client_ns_per_byte)});
    }
    cells.push_back({format_per_byte(stage.ns_per_byte), ink});
    if (shape.counted) {
        cells.push_back({stage.waiting ? std::string() : format_per_byte(stage.cycles_per_byte)});
        cells.push_back({stage.waiting ? std::string() : format_per_byte(stage.instructions_per_byte)});
    }
    cells.push_back({stage.waiting ? std::string() : format_percent(stage.share)});
    if (shape.ends) {
        cells.push_back({join(stage.functions, ", "), Ink::faint});
    }
    return cells;
}

Grid empty_grid(const Shape& shape) {
    Grid grid{"Time by stage", 2, {{Align::left, 18}, {Align::right, 9}}, {}};
    std::vector<Cell> head{{}, {"calls"}};
    const auto column = [&](const char* name) {
        grid.columns.push_back({Align::right, 8, 6});
        head.push_back({name});
    };
    if (shape.ends) {
        column("server");
        column("client");
    }
    column("ns/B");
    if (shape.counted) {
        column("cycles/B");
        column("instr/B");
    }
    column("share");
    if (shape.ends) {
        grid.columns.push_back({Align::left});
        head.push_back({"between entry and exit of"});
    }
    grid.rows.push_back(std::move(head));
    return grid;
}

bool is_idle(const StageTime& stage) {
    return !stage.calls.measured() || stage.calls.value() == 0;
}

std::vector<std::string> notes_of(const Timing& timing) {
    std::vector<std::string> notes{
        "each stage without what lies inside of it; softirqs count where they interrupt, and only in server and "
        "client; "
        "what the probes take themselves is in it"};
    std::vector<std::string> idle;
    Missing missing;
    for (const StageTime& stage : timing.stages) {
        if (!stage.calls.measured()) {
            missing.add(stage.name, stage.calls.reason());
        } else if (is_idle(stage)) {
            idle.push_back(stage.name);
        }
    }
    if (!timing.not_counted.empty()) {
        missing.add("cycles and instructions", timing.not_counted);
    }
    if (timing.covered_share.measured()) {
        notes.push_back(
            "the stages hold " + format_percent(timing.covered_share.value()) +
            " of the cycles that server and client spent in the kernel; the rest is page faults, interrupts "
            "of the program, and the entry of system calls");
    }
    for (const std::string& sentence : missing.sentences()) {
        notes.push_back(sentence);
    }
    if (timing.missed != 0) {
        notes.push_back(count_of(timing.missed, "passage was", "passages were") +
                        " seen at one end only: its time counts for the stage around it");
    }
    if (!idle.empty()) {
        notes.push_back("never entered: " + join(idle, ", "));
    }
    return notes;
}

}  // namespace

void put_timing(Page& page, const std::optional<Timing>& timing) {
    if (!timing) {
        return;
    }
    const Shape shape{timing->not_counted.empty(), page.columns() >= columns_for_ends};
    Grid grid = empty_grid(shape);
    for (const StageTime& stage : timing->stages) {
        if (!is_idle(stage)) {
            grid.rows.push_back(row_of(stage, shape, Ink::plain));
        }
    }
    StageTime total = timing->total;
    total.name = "all but waiting";
    grid.rows.push_back(row_of(total, shape, Ink::bold));
    page.grid(grid);
    for (const std::string& note : notes_of(*timing)) {
        page.text({unbreakable("  ") + note}, 4);
    }
}

}  // namespace netio::report
