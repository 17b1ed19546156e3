// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tool.h"

// A series of runs with probes that are attached once: each is as exact as a run by itself, and is kept.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t messages = 23;

Outcome sweep_into(const std::string& folder, const Arguments& more = {}) {
    Arguments arguments{"sweep",    "--modes",    "two-copy,zerocopy",
                        "--sizes",  "509,4093",   "--threads",
                        "1,2",      "--messages", std::to_string(messages),
                        "--warmup", "10ms",       "--seed",
                        "11",       "-o",         folder};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_trace_for(16, arguments);
}

std::vector<json> reports_in(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(folder + "/runs")) {
        files.push_back(file.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<json> reports;
    for (const std::string& file : files) {
        reports.push_back(json_in(file));
    }
    return reports;
}

std::string name_of(const json& report) {
    const json& spec = report["spec"];
    return spec["mode"].get<std::string>() + " " + spec["size_bytes"].dump() + " " + spec["threads"].dump();
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    for (const json& report : reports_in(folder)) {
        names.push_back(name_of(report));
    }
    return names;
}

std::vector<std::string> lines_of(const std::string& file) {
    std::ifstream stream(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

// Nothing of an earlier run is left in the books of the next one.
void check_by_itself(const json& report) {
    CAPTURE(name_of(report));
    const std::uint64_t threads = measured(report["spec"]["threads"]);
    const std::uint64_t calls = threads * messages;
    CHECK(report["capture"]["sockets"].size() == threads * 2);
    if (report_says_probes_were_skipped(report)) {
        tell_repetition(name_of(report));
        return;
    }
    CHECK(report["complete"] == true);
    check_balances(report);
    check_payload(report, calls * measured(report["spec"]["size_bytes"]));
    if (report["spec"]["mode"] == "zerocopy") {
        CHECK(report["witnesses"]["recorded_calls"] == report["ledger"]["send_calls"]);
        CHECK(report["causes"][0]["cause"] == "local-delivery");
    } else {
        CHECK(report["causes"].empty());
    }
}

}  // namespace

TEST_SUITE_BEGIN("sweep");

TEST_CASE("sweep: every experiment is exact by itself, and is kept") {
    const Folder folder;
    const std::string results = folder.path() + "/results";
    const Outcome outcome = sweep_into(results, {"--repeat", "2"});
    CAPTURE(outcome.err);
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 4));
    const auto reports = reports_in(results);
    REQUIRE(reports.size() == 16);
    std::multiset<std::string> names;
    for (const json& report : reports) {
        check_by_itself(report);
        names.insert(name_of(report));
    }
    for (const std::string& name : names) {
        CHECK(names.count(name) == 2);
    }
    const auto lines = lines_of(results + "/results.csv");
    REQUIRE(lines.size() == 17);
    const auto columns = std::count(lines[0].begin(), lines[0].end(), ',');
    CHECK(columns > 10);
    CHECK(std::count(lines.begin(), lines.end(), lines[0]) == 1);
}

TEST_CASE("sweep: the seed is the order, and another seed another order") {
    const Folder folder;
    REQUIRE(sweep_into(folder.path() + "/one").signal == 0);
    REQUIRE(sweep_into(folder.path() + "/same", {"--no-counters"}).signal == 0);
    REQUIRE(sweep_into(folder.path() + "/other", {"--tier", "none", "--repeat", "2"}).signal == 0);
    const auto one = names_in(folder.path() + "/one");
    CHECK(one.size() == 8);
    CHECK(names_in(folder.path() + "/same") == one);
    const auto other = names_in(folder.path() + "/other");
    REQUIRE(other.size() == 16);
    CHECK(std::vector<std::string>(other.begin(), other.begin() + 8) == one);
    CHECK(std::vector<std::string>(other.begin() + 8, other.end()) != one);
}

TEST_CASE("sweep: results are never mixed, and nothing is begun that cannot be kept") {
    const Folder folder;
    std::filesystem::create_directories(folder.path() + "/used/runs");
    std::ofstream(folder.path() + "/used/results.csv") << "mode\n";
    const Outcome used = sweep_into(folder.path() + "/used");
    CHECK(used.exit_code == 2);
    CHECK(used.err.find("another sweep") != std::string::npos);
    CHECK(lines_of(folder.path() + "/used/results.csv").size() == 1);
    CHECK(sweep_into("/proc/no-such-folder").exit_code == 2);
    const Outcome nowhere = run_trace({"sweep", "--modes", "zerocopy"});
    CHECK(nowhere.exit_code == 2);
    const Outcome remote = sweep_into(folder.path() + "/remote", {"--paths", "remote"});
    CHECK(remote.exit_code == 2);
    CHECK(remote.err.find("--paths veth,lo") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/remote"));
}

TEST_SUITE_END();
