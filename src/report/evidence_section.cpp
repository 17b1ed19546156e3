// SPDX-License-Identifier: MIT
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
}

}  // namespace netio::report
