// SPDX-License-Identifier: MIT
#include <chrono>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

namespace netio::report {

namespace {

constexpr std::string_view tool = "netio-trace";
constexpr std::size_t text_column = tool.size() + 2;
constexpr int fields_of_a_message = 8;  // the workload's, see model::CopyMode

std::string measured_time(const model::Report& report) {
    if (report.wall_ns <= 0) {
        return "no time measured";
    }
    return format_duration(std::chrono::nanoseconds{report.wall_ns});
}

std::vector<std::string> what_ran(const model::Report& report) {
    const model::Spec& spec = report.spec;
    std::vector<std::string> parts;
    parts.emplace_back(model::to_string(spec.mode));
    parts.push_back(format_count(spec.size_bytes) + " B in " + std::to_string(fields_of_a_message) + " fields");
    parts.push_back(count_of(report.connections, "connection", "connections"));
    if (spec.messages > 0) {
        parts.push_back(count_of(spec.messages, "message", "messages") + " each");
    }
    parts.emplace_back(model::to_string(spec.path));
    if (spec.provoke != "none") {
        parts.push_back("provoked: " + spec.provoke);
    }
    parts.push_back(measured_time(report));
    return parts;
}

std::vector<std::string> where_it_ran(const model::Report& report) {
    const model::Environment& environment = report.environment;
    std::string kernel = "Linux " + environment.kernel_release + " " + environment.machine;
    if (environment.kernel_release.empty()) {
        kernel = "kernel unknown";
    }
    const std::vector<std::string> tiers = tiers_used(report.coverage);
    const std::string none = report.spec.tier == model::Tier::none ? "not traced" : "no probes";
    return {trim(kernel), tiers.empty() ? none : join(tiers, " + ")};
}

// Spaces that stay at the start of a line and inside it.
std::string space(std::size_t columns) {
    return unbreakable(std::string(columns, ' '));
}

void warn(Page& page, const std::string& text) {
    page.text({"! " + text, Ink::bad}, 2);
}

}  // namespace

void put_title(Page& page, const model::Report& report) {
    const std::string left = std::string{tool} + space(2) + items(what_ran(report));
    const std::string right = items(where_it_ran(report));
    const std::size_t used = display_width(left) + display_width(right);
    if (used + 2 <= page.columns()) {
        page.text({left + space(page.columns() - used) + right, Ink::plain, std::string{tool}});
        return;
    }
    page.text({left, Ink::plain, std::string{tool}}, text_column);
    page.text({space(text_column) + right}, text_column);
}

void put_warnings(Page& page, const model::Report& report) {
    const bool unsaid = !report.complete && report.warnings.empty() && report.interrupted.empty();
    if (!unsaid && report.warnings.empty() && report.interrupted.empty()) {
        return;
    }
    page.blank();
    if (!report.interrupted.empty()) {
        warn(page, "Interrupted: " + report.interrupted + ". The figures cover what was measured until then.");
    }
    for (const auto& warning : report.warnings) {
        warn(page, warning);
    }
    if (unsaid) {
        warn(page, "The data of this run are incomplete.");
    }
}

}  // namespace netio::report
