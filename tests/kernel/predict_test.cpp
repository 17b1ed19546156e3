// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cases.h"
#include "netns/device.h"
#include "netns/topology.h"
#include "support.h"
#include "tool.h"

// What `doctor --to` says of networks that the test has built, and of scenarios before they are run: the prediction is
// made first, and the run is measured then.

using namespace netio;
using namespace netio::e2e;
using netns::Namespace;
using netns::Pair;
using nlohmann::json;

namespace {

// A file that stands for the namespace while this process lives.
std::string file_of(const Namespace& ns) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(ns.fd());
}

json foretold(const Namespace& sender, const std::string& address) {
    const Outcome outcome = run_trace({"doctor", "--to", address, "--netns", file_of(sender), "--json"});
    REQUIRE_MESSAGE(outcome.exit_code == 0, "stderr: ", outcome.err);
    return parse_report(outcome);
}

// "local-delivery"; "bpf-pull?" where it is possible only.
std::vector<std::string> causes_of(const json& prediction) {
    std::vector<std::string> causes;
    for (const json& cause : prediction["causes"]) {
        if (cause["extent"] != "call") {  // limits of this machine and user
            causes.push_back(cause["cause"].get<std::string>() + (cause["certain"] == true ? "" : "?"));
        }
    }
    return causes;
}

std::vector<std::string> steps_of(const json& prediction) {
    std::vector<std::string> steps;
    for (const json& step : prediction["way"]) {
        steps.push_back(step["step"].get<std::string>() + " " + step["device"]["name"].get<std::string>());
    }
    return steps;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_SUITE_BEGIN("predict");

TEST_CASE("predict: over a veth pair to another namespace, by IPv4 and IPv6") {
    const Pair pair;
    REQUIRE(netns::join(pair));
    const json prediction = foretold(pair.a, "10.11.0.2");
    CHECK(prediction["outcome"] == "copied-late");
    CHECK(causes_of(prediction) == Words{"local-delivery"});
    CHECK(steps_of(prediction) == Words{"send nta", "receive ntb", "deliver ntb"});
    CHECK(prediction["way"][0]["namespace"]["inode"] == pair.a.inode());
    CHECK(prediction["way"][2]["namespace"]["inode"] == pair.b.inode());
    CHECK(prediction["way"][0]["device"]["features"]["scatter_gather"] == true);
    CHECK(foretold(pair.b, "10.11.0.1")["way"][0]["device"]["name"] == "ntb");
    if (netns::has_ipv6()) {
        const Pair six;
        REQUIRE(netns::make_veth({six.a, "nta", "fd00:11::1/64"}, {six.b, "ntb", "fd00:11::2/64"}));
        const json by_six = foretold(six.a, "fd00:11::2");
        CHECK(causes_of(by_six) == Words{"local-delivery"});
        CHECK(steps_of(by_six) == Words{"send nta", "receive ntb", "deliver ntb"});
        CHECK(steps_of(foretold(six.b, "fd00:11::2")).back() == "vanish lo");  // which is down in a new namespace
        REQUIRE(netns::loopback_up(six.b));
        CHECK(steps_of(foretold(six.b, "fd00:11::2")) == Words{"send lo", "receive lo", "deliver lo"});
    }
}

TEST_CASE("predict: features, taps and the other end are what they are at that moment") {
    const Pair pair;
    REQUIRE(netns::join(pair));
    const auto causes = [&] { return causes_of(foretold(pair.a, "10.11.0.2")); };
    {
        const Fd tap = netns::opened_in(pair.a, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
        const json prediction = foretold(pair.a, "10.11.0.2");
        CHECK(causes_of(prediction) == Words{"packet-tap", "local-delivery"});
        REQUIRE(prediction["way"][0]["taps"].size() == 1);
        CHECK(prediction["way"][0]["taps"][0]["pid"] == ::getpid());
    }
    CHECK(causes() == Words{"local-delivery"});
    REQUIRE(netns::set_offload(pair.a, "nta", netns::Offload::transmit_checksum, false));
    CHECK(causes() == Words{"no-checksum-offload"});
    REQUIRE(netns::set_offload(pair.a, "nta", netns::Offload::scatter_gather, false));
    CHECK(causes() == Words{"no-scatter-gather"});
    CHECK(foretold(pair.a, "10.11.0.2")["outcome"] == "copied-silently");
}

TEST_CASE("predict: a way that leads nowhere") {
    const Pair pair;
    REQUIRE(netns::join(pair));
    REQUIRE(netns::add_route(pair.a, "10.12.0.0/24", "10.11.0.2"));
    const json beyond = foretold(pair.a, "10.12.0.1");  // the other end has no such route, and forwards nothing
    CHECK(beyond["outcome"] == "not-delivered");
    CHECK(steps_of(beyond).back() == "vanish ntb");
    const Outcome none = run_trace({"doctor", "--to", "192.0.2.1", "--netns", file_of(pair.b)});
    CHECK(none.exit_code == 2);
    CHECK(none.out.empty());
    CHECK(none.err.find("Network is unreachable (ENETUNREACH)") != std::string::npos);
    CHECK(std::count(none.err.begin(), none.err.end(), '\n') == 1);
}

// As a container's packets go, whose gateway is the bridge that its cable is a port of.
TEST_CASE("predict: a bridge hands up what is for itself, and the namespace forwards it") {
    const Namespace container = Namespace::create().value();
    const Namespace host = Namespace::create().value();
    const Namespace beyond = Namespace::create().value();
    REQUIRE(netns::make_veth({container, "eth0", "10.14.0.1/24"}, {host, "port0", "10.97.0.1/24"}));
    REQUIRE(netns::make_veth({host, "far0", "10.15.0.1/24"}, {beyond, "far1", "10.15.0.2/24"}));
    if (const auto made = netns::make_bridge(host, "bridge0", {"port0"}); !made) {
        cases::skip(describe(made.error()));
        return;
    }
    REQUIRE(netns::configure_device({host, "bridge0", "10.14.0.254/24"}));
    REQUIRE(netns::add_route(container, "10.15.0.0/24", "10.14.0.254"));
    REQUIRE(netns::write_setting(host, "ipv4/ip_forward", "1"));
    CHECK(steps_of(foretold(container, "10.14.0.254")) ==
          Words{"send eth0", "receive port0", "receive bridge0", "deliver bridge0"});
    CHECK(steps_of(foretold(container, "10.15.0.2")) == Words{"send eth0", "receive port0", "receive bridge0",
                                                              "forward far0", "send far0", "receive far1",
                                                              "deliver far1"});
    CHECK(steps_of(foretold(host, "10.14.0.1")) == Words{"send bridge0", "send port0", "receive eth0", "deliver eth0"});
    REQUIRE(netns::write_setting(host, "ipv4/ip_forward", "0"));
    CHECK(steps_of(foretold(container, "10.15.0.2")).back() == "vanish bridge0");
}

TEST_CASE("predict: nothing is copied for a device that takes packets as they are") {
    const Namespace ns = Namespace::create().value();
    if (const auto made = netns::make_device(ns, "dummy0", "dummy"); !made) {
        cases::skip(describe(made.error()));
        return;
    }
    REQUIRE(netns::configure_device({ns, "dummy0", "10.13.0.1/24"}));
    const json prediction = foretold(ns, "10.13.0.2");
    CHECK(prediction["outcome"] == "not-copied");
    CHECK(causes_of(prediction).empty());
    CHECK(steps_of(prediction) == Words{"send dummy0", "leave dummy0"});
}

TEST_CASE("predict: without root, as far as it can be seen") {
    const Outcome outcome = run_trace({"doctor", "--to", "127.0.0.1", "--json"}, true);
    REQUIRE_MESSAGE(outcome.exit_code == 0, "stderr: ", outcome.err);
    const json prediction = parse_report(outcome);
    const Words causes = causes_of(prediction);
    CHECK(prediction["outcome"] == "copied-late");
    CHECK(!causes.empty());
    CHECK(prediction["unknown"].dump().find("without root") != std::string::npos);
    const Outcome refused = run_trace({"doctor", "--to", "127.0.0.1", "--netns", std::to_string(::getpid())}, true);
    CHECK(refused.exit_code == 3);
    CHECK(refused.err.find("try sudo") != std::string::npos);
}

TEST_CASE("predict: the text has its verdict first, and fits 80 columns") {
    const Pair pair;
    REQUIRE(netns::join(pair));
    const Outcome outcome = run_trace({"doctor", "--to", "10.11.0.2:5001", "--netns", file_of(pair.a)});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.starts_with("A MSG_ZEROCOPY send to 10.11.0.2 will be copied after all: the receiver is on"));
    CHECK(outcome.out.find("\nTry       local-delivery: ") != std::string::npos);
    CHECK(outcome.err.empty());
    std::size_t widest = 0;
    for (std::size_t start = 0; start < outcome.out.size();) {
        const std::size_t end = outcome.out.find('\n', start);
        widest = std::max(widest, end - start);
        start = end + 1;
    }
    CHECK(widest <= 80);
}

TEST_CASE("predict: what the program does is not foretold") {
    const Outcome outcome = run_trace({"causes", "--prove", "--messages", "51", "--only", "not-opted-in"});
    CAPTURE(outcome.out);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.find("\n0 predictions agree, 1 say that they cannot know, 0 contradict what was measured\n") !=
          std::string::npos);
}

TEST_SUITE_END();
