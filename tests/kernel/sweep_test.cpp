// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "cases.h"
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

void check_spread(const json& spread) {
    CAPTURE(spread);
    REQUIRE(spread.contains("median"));
    CHECK(spread["low"] <= spread["median"]);
    CHECK(spread["median"] <= spread["high"]);
}

// The difference that is written out is the sum of its parts, in the thousandths that are printed.
void check_sum(const json& comparison) {
    const json& terms = comparison["sum"];
    CAPTURE(terms);
    REQUIRE(terms.size() >= 2);
    long sum = 0;
    for (const json& term : terms) {
        sum += std::lround(term["per_byte"].get<double>() * 1000);
    }
    const long whole = std::lround(terms.back()["per_byte"].get<double>() * 1000);
    CHECK(terms.back()["name"] == "difference");
    CHECK(sum == 2 * whole);
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

TEST_CASE("sweep: modes that take turns are compared by what a byte cost") {
    const Folder folder;
    const std::string file = folder.path() + "/comparison.json";
    const Outcome outcome = run_trace_for(12, {"--compare", "one-copy,zerocopy", "--rounds", "6", "--messages",
                                               std::to_string(scaled(10'000)), "--warmup", "10ms", "--json", file});
    CAPTURE(outcome.err);
    if (outcome.exit_code == 3) {
        return netio::cases::skip(outcome.err);
    }
    REQUIRE((outcome.exit_code == 0 || outcome.exit_code == 4));  // 4: a run says that the kernel skipped probes
    const json all = json_in(file);
    const Outcome replayed = run_trace({"replay", file});
    CHECK(replayed.exit_code == outcome.exit_code);
    CHECK(replayed.out == outcome.out);
    CHECK(outcome.out.starts_with("netio-trace  zerocopy against one-copy"));
    REQUIRE(all["sizes"].size() == 1);
    const json& comparison = all["sizes"][0];
    CHECK(comparison["modes"][0]["mode"] == "one-copy");
    CHECK(comparison["modes"][1]["mode"] == "zerocopy");
    CHECK(comparison["modes"][1]["causes"].get<std::string>().starts_with("local-delivery"));
    CHECK(comparison["speed_ratio"]["runs"] == 6);
    check_spread(comparison["cost_ratio"]);
    check_sum(comparison);
    const json pinning = element(comparison["stages"], "id", "page-pinning");
    CHECK(pinning["per_byte"][0]["median"] == 0.0);  // one-copy pins nothing
    CHECK(pinning["difference"]["low"].get<double>() >= 0);
    CHECK(all["verdict"].get<std::string>().find("sampled profile: ") != std::string::npos);
    CHECK(all["prediction"]["fitted"] == false);
    REQUIRE(all["runs"].size() == 12);
    for (std::size_t i = 0; i < 12; ++i) {  // every other round in the opposite order
        const bool zerocopy = i / 2 % 2 == 0 ? i % 2 == 1 : i % 2 == 0;
        CHECK(all["runs"][i]["spec"]["mode"] == (zerocopy ? "zerocopy" : "one-copy"));
    }
}

TEST_CASE("sweep: modes are compared at several sizes, without probes as well") {
    const Folder folder;
    const std::string csv = folder.path() + "/runs.csv";
    const Outcome outcome =
        run_trace_for(24, {"--compare", "one-copy,zerocopy", "--sizes", "64K,4K", "--rounds", "6", "--tier", "none",
                           "--messages", std::to_string(scaled(2'000)), "--warmup", "10ms", "--json", "--csv", csv});
    CAPTURE(outcome.err);
    if (outcome.exit_code == 3) {
        return netio::cases::skip(outcome.err);
    }
    REQUIRE(outcome.exit_code == 0);
    const json all = parse_report(outcome);
    REQUIRE(all["sizes"].size() == 2);
    CHECK(all["sizes"][0]["spec"]["size_bytes"] == 4096);
    CHECK(all["sizes"][1]["spec"]["size_bytes"] == 65536);
    for (const json& comparison : all["sizes"]) {
        check_spread(comparison["cost_ratio"]);
        check_spread(comparison["speed_ratio"]);
        check_sum(comparison);
        CHECK(comparison["modes"][1]["copies_per_byte"].contains("missing"));
    }
    CHECK(all["prediction"]["fitted"] == true);
    CHECK(all["statements"][0]["about"] == "measured");
    CHECK(all["runs"].size() == 24);
    const auto lines = lines_of(csv);
    REQUIRE(lines.size() == 25);
    CHECK(std::count(lines.begin(), lines.end(), lines[0]) == 1);
}

TEST_CASE("sweep: what cannot be compared is one error of usage") {
    for (const Arguments& arguments :
         {Arguments{"--compare", "zerocopy"}, Arguments{"--compare", "zerocopy,zerocopy"},
          Arguments{"--compare", "one-copy,zerocopy,one-copy"}, Arguments{"--compare", "one-copy,zerocopie"},
          Arguments{"--compare", "one-copy,zerocopy", "--mode", "zerocopy"},
          Arguments{"--compare", "one-copy,zerocopy", "--path", "remote"},
          Arguments{"--compare", "one-copy,zerocopy", "--folded"},
          Arguments{"--compare", "one-copy,zerocopy", "--evidence"},
          Arguments{"--compare", "one-copy,zerocopy", "--timing"},
          Arguments{"--compare", "one-copy,zerocopy", "--rounds", "5"},
          Arguments{"--compare", "one-copy,zerocopy", "--duration", "0s"},
          Arguments{"--compare", "one-copy,zerocopy", "--sizes", "4K,4096"},
          Arguments{"--compare", "one-copy,zerocopy", "--sizes", "4K,many"},
          Arguments{"--compare", "one-copy,zerocopy", "--size", "4K", "--sizes", "8K"},
          Arguments{"--compare", "one-copy,zerocopy", "--provoke", "not-opted-in"}, Arguments{"--sizes", "4K,8K"},
          Arguments{"--rounds", "6"}}) {
        const Outcome outcome = run_trace(arguments);
        CAPTURE(arguments.back());
        CAPTURE(outcome.err);
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.out.empty());
        CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    }
}

TEST_SUITE_END();
