// SPDX-License-Identifier: MIT
#include "report/terminal.h"

#include "report/page.h"
#include "report/sections.h"

namespace netio::report {

std::string render_terminal(const model::Report& report, const TerminalStyle& style, Depth depth) {
    Page page{style};
    put_title(page, report);
    put_warnings(page, report);
    page.blank();
    page.text({report.verdict, Ink::bold});
    page.blank();
    put_ledger(page, report.ledger, report.profile);
    page.blank();
    put_causes(page, report.findings);
    put_witnesses(page, report.witnesses);
    page.blank();
    put_speed(page, report);
    put_counters(page, report.counters);
    put_machine(page, report, depth);
    page.blank();
    put_profile(page, report.profile);
    page.blank();
    put_timing(page, report.timing);
    page.blank();
    put_overhead(page, report.overhead);
    page.blank();
    if (depth == Depth::evidence) {
        put_evidence(page, report);
    } else {
        put_stacks(page, report.findings);
    }
    put_coverage(page, report);
    return page.result();
}

}  // namespace netio::report
