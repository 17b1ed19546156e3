// SPDX-License-Identifier: MIT
#include "base/text.h"
#include "report/counter_figures.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

namespace netio::report {

namespace {

Paragraph balance(const model::Balance& balance) {
    const std::string sides = show_count(balance.left) + " B = " + show_count(balance.right) + " B";
    const bool wrong = balance.unexplained.value_or(0) > 0;
    const std::string rest = wrong ? ", but for " + show_count(balance.unexplained) + " B" : "";
    return {balance.id + ": " + balance.equation + ": " + unbreakable(sides) + rest, wrong ? Ink::bad : Ink::plain,
            balance.id};
}

std::string wanted(const model::Finding& finding) {
    return finding.cause + ": " +
           (finding.evidence_wanted.empty() ? "no row of the catalogue fits"
                                            : "concluded from " + finding.evidence_wanted);
}

// What was read and for what share of the time, of a counter that shared its hardware.
Paragraph scaled(const std::string& whose, const auto& row) {
    const std::string name = whose + row.event;
    return {name + ": " + amount(row.event, row.counted) + " read, while it counted " +
                format_percent(row.running_share) + " of the time or more; " + amount(row.event, row.total) +
                " in all of it",
            Ink::plain, name};
}

std::vector<Paragraph> scaled_counters(const model::Report& report) {
    std::vector<Paragraph> paragraphs;
    for (const auto& row : report.counters) {
        if (row.running_share < 1) {
            paragraphs.push_back(scaled(std::string{to_string(row.role)} + " ", row));
        }
    }
    for (const auto& row : report.machine_counters ? report.machine_counters->rows : std::vector<model::MachineRow>{}) {
        if (row.running_share < 1) {
            paragraphs.push_back(scaled("machine ", row));
        }
    }
    return paragraphs;
}

}  // namespace

void put_evidence(Page& page, const model::Report& report) {
    std::vector<Paragraph> paragraphs;
    for (const auto& finding : report.findings) {
        paragraphs.push_back({wanted(finding), Ink::plain, finding.cause});
        for (const auto& line : finding.evidence) {
            paragraphs.push_back({"- " + line});
        }
    }
    page.section("Evidence", paragraphs);
    paragraphs.clear();
    for (const auto& equation : report.ledger.balances) {
        paragraphs.push_back(balance(equation));
    }
    page.section("Balances", paragraphs);
    page.section("Scaled", scaled_counters(report));
}

}  // namespace netio::report
