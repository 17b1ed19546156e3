// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "explain/causes.h"
#include "predict/agreement.h"
#include "predict/page.h"
#include "predict/survey.h"
#include "prediction_fixture.h"

using namespace netio;
using namespace netio::predict;

namespace {

using Verdict = Agreement::Verdict;

std::string page_of(const Facts& facts, unsigned columns = 80) {
    return render(facts, predict::predict(facts), {columns});
}

std::string verdict_of(const Facts& facts) {
    return verdict(facts, predict::predict(facts));
}

// A report of a run that handed over pages, and named these causes.
model::Report report_of(const std::vector<std::string>& causes, std::uint64_t pinned = 1000) {
    model::Report report;
    for (const std::string& cause : causes) {
        model::Finding finding;
        finding.cause = cause;
        report.findings.push_back(finding);
    }
    model::Account account;
    account.id = "sent.pinned";
    account.bytes = pinned;
    report.ledger.accounts.push_back(account);
    report.witnesses.told_calls = 10;
    report.witnesses.told_copied_calls = causes.empty() ? 0 : 10;
    report.witnesses.moved_flagged_bytes = causes.empty() ? 0 : pinned;
    return report;
}

Agreement held_against(const Facts& facts, const model::Report& report) {
    return compare(predict::predict(facts), report);
}

}  // namespace

TEST_CASE("prediction: the verdict stands first and is one sentence or two") {
    CHECK(
        verdict_of(over_veth()) ==
        "A MSG_ZEROCOPY send to 10.99.0.2 will be copied after all: the receiver is on this machine. The program will "
        "be told so.");
    CHECK(page_of(over_veth()).starts_with("A MSG_ZEROCOPY send to 10.99.0.2 will be copied after all"));
    CHECK(verdict_of(through_nic()) ==
          "A MSG_ZEROCOPY send to 10.99.0.2 will not be copied on this machine: it leaves through eth0 (virtio_net) as "
          "it is.");
    Facts tapped = through_nic();
    tapped.way[0].taps = {tap()};
    CHECK(verdict_of(tapped) ==
          "A MSG_ZEROCOPY send to 10.99.0.2 will be copied besides being sent: a packet tap gets a clone of every "
          "packet. The program will be told so.");
    Facts silent = over_veth();
    silent.way[0].device.features.scatter_gather = false;
    CHECK(verdict_of(silent) ==
          "A MSG_ZEROCOPY send to 10.99.0.2 will be copied after all, and the program will mostly be told that it was "
          "not: the "
          "device takes no scatter-gather.");
    Facts filtered = through_nic();
    filtered.way[0].programs = {"netio_pull"};
    CHECK(
        verdict_of(filtered) ==
        "Whether a MSG_ZEROCOPY send to 10.99.0.2 will be copied cannot be known from here. Perhaps it will: a program "
        "or filter pulls the payload.");
    Facts lost = over_veth();
    lost.way.back() = step(Step::Kind::vanish, there, able("client0", "veth"));
    lost.way.back().note = "client0, the other end, is down";
    CHECK(verdict_of(lost) == "A MSG_ZEROCOPY send to 10.99.0.2 does not arrive: client0, the other end, is down.");
}

TEST_CASE("prediction: names keep their capitals within the sentence") {
    Device device = able("wg0", "wireguard");
    const Facts facts = facts_of({step(Step::Kind::send, here, device), step(Step::Kind::leave, here, device)});
    CHECK(verdict_of(facts).ends_with(": WireGuard encrypts into new memory."));
}

TEST_CASE("prediction: the page has the way, the causes, what is unknown and what to try, in 80 columns") {
    Facts facts = through_router();
    facts.way[0].taps = {tap()};
    facts.way[4].programs = {"netio_pull"};
    facts.way[0].device.corrupted = 0.01;
    for (const unsigned columns : {60U, 80U, 120U}) {
        const std::string page = page_of(facts, columns);
        for (const std::string& line : split(page, '\n')) {
            CHECK(display_width(line) <= columns);
        }
        for (const char* part : {"\nRoute ", "\nWay ", "\nCauses ", "\nLimits ", "\nUnknown ", "\nTry ", "forwards",
                                 "netio_pull", "packet taps: 1", "in the namespace router"}) {
            CAPTURE(part);
            CHECK(page.find(part) != std::string::npos);
        }
    }
    const std::string remedy = explain::cause("packet-tap").remedy;
    CHECK(page_of(facts, 500).find("packet-tap: " + remedy) != std::string::npos);
    CHECK(page_of(through_nic()).find("none on this way") != std::string::npos);
    CHECK(page_of(through_nic()).find("\nTry ") == std::string::npos);
}

TEST_CASE("prediction: features that are off are named") {
    Facts facts = over_veth();
    CHECK(page_of(facts, 200).find("scatter-gather, checksums and segmentation are on") != std::string::npos);
    facts.way[0].device.features.scatter_gather = false;
    CHECK(page_of(facts, 200).find("scatter-gather is off") != std::string::npos);
    facts.way[0].device.features.segmentation = false;
    CHECK(page_of(facts, 200).find("scatter-gather, segmentation are off") != std::string::npos);
    facts.way[0].device.features = {};
    CHECK(page_of(facts, 200).find("features not known") != std::string::npos);
}

TEST_CASE("prediction: JSON has the same") {
    Facts facts = over_veth();
    facts.way[0].taps = {tap("evil\xff")};
    const auto json = nlohmann::json::parse(render_json(facts, predict::predict(facts)));
    CHECK(json["schema_version"].is_number());
    CHECK(json["outcome"] == "copied-late");
    CHECK(json["certain"] == true);
    CHECK(
        json["verdict"] ==
        "A MSG_ZEROCOPY send to 10.99.0.2 will be copied after all: a packet tap gets a clone of every packet, and the "
        "receiver is on this machine. The program will be told so.");
    REQUIRE(json["way"].size() == 3);
    CHECK(json["way"][0]["step"] == "send");
    CHECK(json["way"][0]["device"]["features"]["scatter_gather"] == true);
    CHECK(json["way"][2]["namespace"]["inode"] == 2);
    REQUIRE(json["causes"].size() == 2);
    CHECK(json["causes"][0]["cause"] == "packet-tap");
    CHECK(json["causes"][0]["extent"] == "clone");
    CHECK(json["causes"][1]["remedy"] == explain::cause("local-delivery").remedy);
    CHECK(json["unknown"][0]["causes"].is_array());
    CHECK(json["limits"]["option_memory_bytes"] == 131072);
}

TEST_CASE("prediction: the summary tells what is certain from what is not") {
    Facts facts = over_veth();
    facts.way[1].programs = {"one", "two"};
    facts.limits.option_memory_bytes = 4096;
    CHECK(summary(predict::predict(facts)) == "copied-late: perhaps bpf-pull, local-delivery");
    CHECK(summary(predict::predict(over_veth())) == "copied-late: local-delivery");
    CHECK(summary(predict::predict(through_nic())) == "not-copied");
}

TEST_CASE("agreement: what was predicted came about, and nothing else") {
    CHECK(held_against(over_veth(), report_of({"local-delivery"})).verdict == Verdict::agrees);
    CHECK(held_against(through_nic(), report_of({})).verdict == Verdict::agrees);
}

TEST_CASE("agreement: a cause that nobody foresaw contradicts, and one that did not come") {
    Agreement surprise = held_against(over_veth(), report_of({"local-delivery", "tun-tap"}));
    CHECK(surprise.verdict == Verdict::contradicts);
    CHECK(surprise.detail == "tun-tap was not predicted");
    Facts tapped = over_veth();
    tapped.way[0].taps = {tap()};
    const Agreement missing = held_against(tapped, report_of({"local-delivery"}));
    CHECK(missing.verdict == Verdict::contradicts);
    CHECK(missing.detail == "packet-tap was predicted");
}

TEST_CASE("agreement: what the program decides cannot be known, with or without pages that it hands over") {
    const Agreement also = held_against(over_veth(), report_of({"local-delivery", "timestamps-with-payload"}));
    CHECK(also.verdict == Verdict::cannot_know);
    CHECK(also.detail == "timestamps-with-payload");
    const Agreement instead = held_against(over_veth(), report_of({"mptcp"}, 0));
    CHECK(instead.verdict == Verdict::cannot_know);
    CHECK(instead.detail == "mptcp");
    CHECK(held_against(over_veth(), report_of({"mptcp"})).verdict == Verdict::contradicts);
}

TEST_CASE("agreement: bytes and the error queue are held against the outcome") {
    Facts filtered = over_veth();
    filtered.way[0].programs = {"netio_pull"};
    CHECK(held_against(filtered, report_of({"bpf-pull"})).verdict == Verdict::agrees);
    CHECK(held_against(filtered, report_of({})).detail == "copied-late was predicted, and nothing was copied late");
    model::Report untold = report_of({"local-delivery"});
    untold.witnesses.told_copied_calls = 0;
    CHECK(held_against(over_veth(), untold).detail ==
          "copied-late was predicted, and the program was not told of a copy");
    Facts either = over_veth();
    either.way[0].programs = {"netio_pull"};
    either.way[0].device.features.scatter_gather = false;
    model::Report merged = report_of({"bpf-pull", "no-scatter-gather"});
    merged.witnesses.told_copied_calls = 0;
    CHECK(held_against(either, merged).verdict == Verdict::agrees);
    CHECK(verdict_of(either).ends_with(" Whether the program is told depends on which."));
    Facts silent = over_veth();
    silent.way[0].device.features.scatter_gather = false;
    CHECK(held_against(silent, report_of({"no-scatter-gather"})).verdict == Verdict::contradicts);
    model::Report copied = report_of({});
    copied.witnesses.moved_silent_bytes = 1;
    CHECK(held_against(through_nic(), copied).detail == "not-copied was predicted, and something was copied");
    Facts lost = over_veth();
    lost.way.back().kind = Step::Kind::vanish;
    CHECK(held_against(lost, report_of({})).verdict == Verdict::contradicts);
}

TEST_CASE("target: addresses, with and without port") {
    struct Good {
        const char* text;
        const char* address;
        int port;
        int family;
    };
    for (const Good& good : {Good{"10.99.0.2", "10.99.0.2", 0, AF_INET}, Good{"10.99.0.2:1", "10.99.0.2", 1, AF_INET},
                             Good{"fd00:11::2", "fd00:11::2", 0, AF_INET6}, Good{"[::1]:65535", "::1", 65535, AF_INET6},
                             Good{"[fd00::2]", "fd00::2", 0, AF_INET6}, Good{"::1", "::1", 0, AF_INET6}}) {
        CAPTURE(good.text);
        const auto target = parse_target(good.text);
        REQUIRE(target);
        CHECK(target->address == good.address);
        CHECK(target->port == good.port);
        CHECK(target->family == good.family);
    }
}

TEST_CASE("target: what is none says what, why and what to try") {
    for (const char* bad : {"",
                            "localhost",
                            "10.99.0",
                            "10.99.0.2.",
                            "10.99.0.2:",
                            "10.99.0.2:0",
                            "10.99.0.2:65536",
                            "10.99.0.2:http",
                            "10.99.0.2:-1",
                            "10.99.0.2/24",
                            ":80",
                            "[::1",
                            "[::1]80",
                            "[::1]:",
                            "::1]",
                            "[]:80",
                            "0.0.0.0",
                            "::",
                            "[::]:80",
                            "10.99.0.2:1:2",
                            " 10.99.0.2"}) {
        CAPTURE(bad);
        const auto target = parse_target(bad);
        REQUIRE_FALSE(target);
        CHECK(target.error().code == ExitCode::usage);
        CHECK(target.error().what == "--to '" + std::string(bad) + "'");
        CHECK_FALSE(target.error().why.empty());
        CHECK(target.error().advice.find("10.99.0.2:5001") != std::string::npos);
    }
}

TEST_CASE("target: namespaces that are none") {
    for (const char* bad : {"", "/dev/null", "/no/such/file", "999999999", "-1"}) {
        CAPTURE(bad);
        const auto found = find_namespace(bad);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == ExitCode::usage);
        CHECK_FALSE(found.error().advice.empty());
    }
    const auto own = find_namespace(std::to_string(::getpid()));
    REQUIRE(own);
    CHECK(own->inode() == find_namespace("/proc/self/ns/net").value().inode());
}
