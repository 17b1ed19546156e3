// SPDX-License-Identifier: MIT
#include "report/csv.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "base/text.h"
#include "golden.h"
#include "profile_fixture.h"
#include "report_fixture.h"

namespace {

using namespace netio;

// The cells of one record, as RFC 4180 reads them.
std::vector<std::string> cells_of(const std::string& record) {
    std::vector<std::string> cells(1);
    bool inside = false;
    for (std::size_t at = 0; at < record.size(); ++at) {
        const char letter = record[at];
        if (letter == '"' && inside && at + 1 < record.size() && record[at + 1] == '"') {
            cells.back() += record[++at];
        } else if (letter == '"') {
            inside = !inside;
        } else if (letter == ',' && !inside) {
            cells.emplace_back();
        } else if (letter == '\n' && !inside) {
            REQUIRE(at + 1 == record.size());
        } else {
            cells.back() += letter;
        }
    }
    return cells;
}

std::map<std::string, std::string> row_of(const model::Report& report) {
    const auto names = cells_of(report::csv_header(report));
    const auto cells = cells_of(report::csv_row(report));
    REQUIRE(names.size() == cells.size());
    std::map<std::string, std::string> row;
    for (std::size_t at = 0; at < names.size(); ++at) {
        row[names[at]] = cells[at];
    }
    return row;
}

}  // namespace

TEST_CASE("csv: the file is header and row, as it was when a person last looked") {
    const auto report = test::zerocopy_over_veth();
    CHECK(report::render_csv(report) == report::csv_header() + report::csv_row(report));
    test::check_golden("zerocopy_veth.csv", report::render_csv(report));
}

TEST_CASE("csv: names are words of lower case, each once") {
    const auto names = cells_of(report::csv_header());
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
    for (const auto& name : names) {
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos);
    }
    CHECK(names.front() == "mode");
    CHECK(names.back() == "tier");
}

TEST_CASE("csv: the figures of a run") {
    auto row = row_of(test::silent_copies());
    CHECK(row["mode"] == "zerocopy");
    CHECK(row["size_bytes"] == "16384");
    CHECK(row["threads"] == "1");
    CHECK(row["path"] == "veth");
    CHECK(row["provoke"] == "no-scatter-gather");
    CHECK(row["duration_ns"] == "5000000000");
    CHECK(row["wall_ns"] == "5001000000");
    CHECK(row["payload_bytes"] == "6755631104");
    CHECK(row["send_calls"] == "412331");
    CHECK(row["copied_in_bytes"] == "");  // no such account in this run
    CHECK(row["pinned_bytes"] == "6755631104");
    CHECK(row["late_copied_bytes"] == "6999000000");
    CHECK(row["silent_bytes"] == "6748569600");
    CHECK(row["received_bytes"] == "6755631104");
    CHECK(row["unexplained_bytes"] == "0");
    CHECK(row["copies_per_byte_ratio"] == "2.036");
    CHECK(row["throughput_bits_per_second"] == "10806000000");
    CHECK(row["send_call_p50_ns"] == "1903");
    CHECK(row["delivery_p90_ns"] == "106700");
    CHECK(row["completion_p99_ns"] == "61300");
    CHECK(row["told_copied_calls"] == "431");
    CHECK(row["recorded_copied_calls"] == "431");
    CHECK(row["top_cause"] == "no-scatter-gather");
    CHECK(row["top_cause_share_ratio"] == "0.99895");
    CHECK(row["server_task_clock_ns"] == "4912000000");
    CHECK(row["client_context_switches"] == "9876");
    CHECK(row["client_cpu_migrations"] == "0");
    CHECK(row["server_cycles"] == "");
    CHECK(row["kernel_release"] == "6.18.5");
    CHECK(row["interrupted"] == "");
    CHECK(row["tier"] == "tracepoint");
}

TEST_CASE("csv: counters are totals of user and kernel space") {
    auto row = row_of(test::one_copy());
    CHECK(row["server_cycles"] == "4105290322");
    CHECK(row["client_l1_dcache_load_misses"] == "1333207");
    CHECK(row["messages"] == "1009");
    CHECK(row["copied_in_bytes"] == "66125824");
    CHECK(row["completion_p50_ns"] == "");
    CHECK(row["top_cause"] == "");
    CHECK(row["top_cause_share_ratio"] == "");
}

TEST_CASE("csv: the machine's counters, and columns for the events that were asked for") {
    auto row = row_of(test::zerocopy_over_veth());
    CHECK(row["machine_cycles"] == "");
    CHECK(row["machine_busy_time_ns"] == "9960000000");
    CHECK(row["machine_softirq_time_ns"] == "1230000000");
    CHECK(row["machine_context_switches"] == "12345");
    row = row_of(test::hybrid());
    CHECK(row["machine_cycles"] == "9876543210");
    CHECK(row["machine_uncore_imc_0_data_read"] == "1234567");
    CHECK(row["server_branch_misses"] == "569124");
    CHECK(row["server_sched_sched_switch"] == "4711");
    CHECK(row["server_cpu_core_event_0x3c_umask_0x1"] == "11");
    CHECK(row["client_cpu_core_event_0x3c_umask_0x1"] == "");
    CHECK(row["tier"] == "tracepoint");
    const auto names = cells_of(report::csv_header(test::hybrid()));
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
    CHECK(names.size() == cells_of(report::csv_header()).size() + 4 * 3);
    CHECK(report::render_csv(test::hybrid()).starts_with(report::csv_header(test::hybrid())));
}

TEST_CASE("csv: what was not measured is an empty cell") {
    auto row = row_of(test::everything_missing());
    for (const auto* name :
         {"payload_bytes", "send_calls", "copied_in_bytes", "pinned_bytes", "late_copied_bytes", "silent_bytes",
          "received_bytes", "unexplained_bytes", "copies_per_byte_ratio", "throughput_bits_per_second",
          "send_call_p50_ns", "told_copied_calls", "server_cycles", "client_page_faults", "tier"}) {
        CAPTURE(name);
        CHECK(row.at(name).empty());
    }
}

TEST_CASE("csv: late copies are the sum over the causes, and 0 only if somebody watched") {
    auto report = test::zerocopy_over_veth();
    report.ledger.accounts.push_back(
        test::account("late.packet-tap", "inside the kernel", "copied late", 1000, 1, 0, ""));
    CHECK(row_of(report)["late_copied_bytes"] == "6755632104");
    report.ledger.accounts.back().bytes = model::Figure<std::uint64_t>::missing("no probe");
    CHECK(row_of(report)["late_copied_bytes"] == "");
    report.ledger.accounts.clear();
    CHECK(row_of(report)["late_copied_bytes"] == "0");
    for (const std::size_t probe : {2U, 3U}) {
        CAPTURE(probe);
        auto blind = test::zerocopy_over_veth();
        blind.coverage[probe].tier = model::Tier::none;
        CHECK(row_of(blind)["late_copied_bytes"] == "");
    }
}

TEST_CASE("csv: what a byte cost has a column for every class of the profile, in the unit that was sampled") {
    auto report = test::zerocopy_over_veth();
    CHECK(row_of(report)["profile_sum_ns_per_byte"] == "");
    report.profile = test::lifelike_profile();
    auto row = row_of(report);
    double sum = 0;
    for (const auto& stage : report.profile->stages) {
        std::string name = stage.id;
        std::ranges::replace(name, '-', '_');
        CAPTURE(name);
        REQUIRE(row.contains("profile_" + name + "_ns_per_byte"));
        CHECK(row["profile_" + name + "_cycles_per_byte"] == "");
        sum += std::stod(row["profile_" + name + "_ns_per_byte"]);
    }
    CHECK(sum == doctest::Approx(std::stod(row["profile_sum_ns_per_byte"])));
    CHECK(row["profile_page_pinning_ns_per_byte"].starts_with("0.216"));
    report.profile->unit = "cycles";
    row = row_of(report);
    CHECK(row["profile_page_pinning_cycles_per_byte"].starts_with("0.216"));
    CHECK(row["profile_page_pinning_ns_per_byte"] == "");
}

TEST_CASE("csv: a share of bytes that were not measured is no share") {
    auto report = test::zerocopy_over_veth();
    report.findings[0].bytes = model::Figure<std::uint64_t>::missing("lost");
    CHECK(row_of(report)["top_cause"] == "local-delivery");
    CHECK(row_of(report)["top_cause_share_ratio"] == "");
}

TEST_CASE("csv: commas, quotes and line feeds are quoted, and nothing that is no number is printed as one") {
    auto report = test::zerocopy_over_veth();
    report.interrupted = "killed, by \"someone\"\nelse";
    report.throughput_bits_per_second = std::nan("");
    CHECK(report::csv_row(report).find(",\"killed, by \"\"someone\"\"\nelse\",") != std::string::npos);
    CHECK(row_of(report)["interrupted"] == report.interrupted);
    CHECK(row_of(report)["throughput_bits_per_second"] == "");
}
