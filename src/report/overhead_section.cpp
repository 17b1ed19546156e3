// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "report/figures.h"
#include "report/sections.h"

// What the probes cost, which is in every other figure of the report.

namespace netio::report {

namespace {

using model::Overhead;
using model::ProgramRuns;

constexpr std::size_t programs_shown = 6;

std::string per_send(const Overhead& overhead) {
    if (!overhead.ns_per_send.measured()) {
        return fmt::format("{} runs, {}", format_count(overhead.runs),
                           format_duration(std::chrono::nanoseconds(overhead.ns)));
    }
    return fmt::format("{} runs and {} ns a send call, {} ns/B", format_ratio(overhead.runs_per_send.value(), 1),
                       format_ratio(overhead.ns_per_send.value(), 0), format_per_byte(overhead.ns_per_byte));
}

}  // namespace

void put_overhead(Page& page, const std::optional<Overhead>& overhead) {
    if (!overhead) {
        return;
    }
    std::vector<std::string> lines{per_send(*overhead)};
    if (overhead->share.measured()) {
        lines.push_back(format_percent(overhead->share.value()) +
                        " of the CPU time of server and client, in all figures above and subtracted from none; the way "
                        "in and out of a probe comes on top");
    }
    std::vector<std::string> programs;
    for (std::size_t i = 0; i < std::min(programs_shown, overhead->programs.size()); ++i) {
        const ProgramRuns& program = overhead->programs[i];
        programs.push_back(fmt::format("{} {} x {} ns", program.program, format_count(program.runs),
                                       program.runs == 0 ? 0 : program.ns / program.runs));
    }
    if (!programs.empty()) {
        lines.push_back("mostly " + join(programs, ", "));
    }
    if (overhead->skipped != 0) {
        lines.push_back(count_of(overhead->skipped, "run was", "runs were") +
                        " skipped by the kernel, the program being busy on that CPU");
    }
    std::vector<Paragraph> paragraphs;
    for (std::string& line : lines) {
        paragraphs.push_back({std::move(line)});
    }
    page.section("Probes", paragraphs);
}

}  // namespace netio::report
