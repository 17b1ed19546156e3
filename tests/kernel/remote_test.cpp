// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

#include "support.h"
#include "tool.h"

// --path remote: the sender is the run's, in the namespace that it is started in; the receiver is a netio-client that
// somebody else starts as the run asks for. Here in another namespace at the end of a veth pair, so that every
// zero-copy byte is copied late: what leaves a machine uncopied is for tools/vm/demo-zerocopy to show.

using namespace netio::e2e;
using netio::netns::Namespace;
using nlohmann::json;

namespace {

constexpr std::uint64_t messages = 23;
constexpr std::uint64_t payload = messages * 4093;
constexpr const char* address = "10.11.0.1";

// A sender's place and a receiver's, and the way between.
class Places {
 public:
    Places() { REQUIRE(netio::netns::join(pair_)); }

    Program start_sender(const Arguments& more) {
        Arguments arguments{"--path", "remote", "--bind", address, "--port", "0", "--size", "4093"};
        arguments.insert(arguments.end(), {"--warmup", "20ms", "--no-counters"});
        arguments.insert(arguments.end(), more.begin(), more.end());
        return start_in(pair_.a, "netio-trace", arguments);
    }
    Program start_receiver(const Arguments& arguments) { return start_in(pair_.b, "netio-client", arguments); }

 private:
    // The program dies with the thread that starts it (prctl(2)), so this thread moves for a moment.
    static Program start_in(const Namespace& ns, const std::string& name, const Arguments& arguments) {
        const auto home = Namespace::of_process(::getpid());
        REQUIRE(home);
        REQUIRE(ns.enter());
        Program program = Program::start(name, arguments);
        REQUIRE(home->enter());
        return program;
    }

    netio::netns::Pair pair_;
};

// The arguments of netio-client that a run asks its user for.
Arguments invitation(Program& sender) {
    const std::string before = "on the other machine: netio-client ";
    REQUIRE_MESSAGE(sender.says(before), sender.err());
    REQUIRE_MESSAGE(sender.says("\n"), sender.err());
    std::istringstream words(sender.err().substr(sender.err().find(before) + before.size()));
    Arguments arguments;
    for (std::string word; words >> word;) {
        arguments.push_back(word);
    }
    return arguments;
}

struct Ends {
    Outcome sender;
    Outcome receiver;
};

Ends run_both(const Arguments& more) {
    Places places;
    Program sender = places.start_sender(more);
    Arguments arguments = invitation(sender);
    arguments.emplace_back("--json");
    Program receiver = places.start_receiver(arguments);
    Outcome sent = sender.wait();
    return {std::move(sent), receiver.wait()};
}

// The report of a run to its good end; `received` is what the receiver says.
json report_of_both(const Arguments& more, json& received) {
    Ends ends;
    const Outcome outcome = outcome_of("remote", [&] {
        ends = run_both(more);
        return ends.sender;
    });
    REQUIRE_MESSAGE(outcome.exit_code == 0, "stderr: ", outcome.err);
    REQUIRE_MESSAGE(ends.receiver.exit_code == 0, "stderr: ", ends.receiver.err);
    received = json::parse(ends.receiver.out);
    return parse_report(outcome);
}

std::uint64_t bytes_of(const json& result) {
    std::uint64_t bytes = 0;
    for (const json& connection : result["connections"]) {
        bytes += connection["bytes"].get<std::uint64_t>();
    }
    return bytes;
}

// Every byte once, and once more where its packet was sent again.
void check_copied_late(const json& report, const json& bytes) {
    CHECK(measured(bytes) >= payload);
    CHECK(measured(bytes) <= payload + site_bytes(report, "server", "retransmitted"));
}

// Nothing is claimed of the end that was not seen; what was seen balances.
void check_half_seen(const json& report, std::uint64_t bytes, double sender_copies) {
    const json& ledger = report["ledger"];
    CHECK(report["complete"] == true);
    CHECK(measured(ledger["payload_bytes"]) == bytes);
    CHECK(measured(ledger["unexplained_bytes"]) == 0);
    const auto again = static_cast<double>(site_bytes(report, "server", "retransmitted"));
    CHECK(ledger["sender_copies_per_byte"] >= sender_copies);
    CHECK(ledger["sender_copies_per_byte"] <= sender_copies + again / static_cast<double>(bytes));
    CHECK_FALSE(ledger["copies_per_byte"].is_number());
    CHECK_FALSE(element(ledger["accounts"], "id", "received.copied")["bytes"].is_number());
    CHECK(element(ledger["balances"], "id", "delivered").empty());
    CHECK(element(ledger["balances"], "id", "received").empty());
    CHECK(report["throughput_bits_per_second"].get<double>() > 0);
    CHECK(site_bytes(report, "client", "receive-returned") == 0);
    for (const json& socket : report["capture"]["sockets"]) {
        CHECK(socket["role"] == "server");
    }
}

}  // namespace

TEST_SUITE_BEGIN("remote");

TEST_CASE("remote: zero-copy to a receiver in another namespace of this machine is copied late, every byte once") {
    json received;
    const json report = report_of_both({"--messages", "23", "--json"}, received);
    check_half_seen(report, payload, 1.0);
    CHECK(bytes_of(received) == payload);
    CHECK(measured(element(report["ledger"]["accounts"], "id", "sent.pinned")["bytes"]) == payload);
    CHECK(measured(report["witnesses"]["told_calls"]) == messages);
    CHECK(measured(report["witnesses"]["told_copied_calls"]) == messages);
    check_copied_late(report, report["witnesses"]["moved_flagged_bytes"]);
    REQUIRE(report["causes"].size() == 1);
    // Before 6.17 delivery is where forwarding is, and the namespace of this receiver is not known to the run.
    const std::string cause = report["causes"][0]["cause"];
    CHECK((cause == "local-delivery" || cause == "forwarded-copy"));
    check_copied_late(report, report["causes"][0]["bytes"]);
}

TEST_CASE("remote: the copying modes copy as often as they say before the receiver, of whom nothing is said") {
    for (const auto& [mode, copies] : {std::pair{"two-copy", 2.0}, std::pair{"one-copy", 1.0}}) {
        json received;
        const json report = report_of_both({"--mode", mode, "--messages", "23", "--threads", "2", "--json"}, received);
        check_half_seen(report, 2 * payload, copies);
        CHECK(bytes_of(received) == 2 * payload);
        CHECK(report["causes"] == json::array());
        CHECK(report["verdict"].get<std::string>().find("End to end") == std::string::npos);
    }
}

TEST_CASE("remote: a receiver with another number of threads is turned away, and the run goes on waiting") {
    Places places;
    Program sender = places.start_sender({"--messages", "23", "--threads", "3", "--tier", "none", "--json"});
    const Arguments right = invitation(sender);
    CHECK(right.end()[-2] == "--threads");
    CHECK(right.back() == "3");
    Arguments wrong = right;
    wrong.back() = std::string("2");
    const Outcome refused = places.start_receiver(wrong).wait();
    CHECK(refused.exit_code == 2);
    Program receiver = places.start_receiver(right);
    const Outcome sent = sender.wait();
    CHECK_MESSAGE(sent.exit_code == 0, sent.err);
    CHECK(receiver.wait().exit_code == 0);
    CHECK(measured(parse_report(sent)["ledger"]["payload_bytes"]) == 3 * payload);
}

TEST_CASE("remote: nobody comes, and the error says what to run") {
    Places places;
    const Outcome outcome = places.start_sender({"--wait", "1ms", "--tier", "none"}).wait();
    CAPTURE(outcome.err);
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.exit_code == 4);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 2);  // the invitation, and the error
    const auto error = outcome.err.find("netio-trace: no receiver came: nobody connected within 1.00 ms; try: ");
    REQUIRE(error != std::string::npos);
    CHECK(outcome.err.find("netio-client --connect 10.11.0.1 --port ", error) != std::string::npos);
}

TEST_CASE("remote: a signal ends the waiting at once") {
    Places places;
    Program sender = places.start_sender({"--wait", "1h", "--tier", "none"});
    invitation(sender);
    REQUIRE(::kill(sender.pid(), SIGINT) == 0);
    const Outcome outcome = sender.wait();
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.exit_code == 130);
    CHECK(outcome.err.find("interrupted by SIGINT while waiting for the receiver: nothing was measured\n") !=
          std::string::npos);
}

TEST_CASE("remote: a receiver that dies half-way leaves a partial report that says so") {
    Places places;
    Program sender = places.start_sender({"--duration", "1h", "--json"});
    Program receiver = places.start_receiver(invitation(sender));
    REQUIRE(works(child_named(sender.pid(), "netio-server")));  // it listens already: all that it works is to send
    REQUIRE(::kill(receiver.pid(), SIGKILL) == 0);
    const Outcome outcome = sender.wait();
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.exit_code == 4);
    const json report = parse_report(outcome);
    CHECK(report["complete"] == false);
    CHECK(report["warnings"].dump().find("server: ") != std::string::npos);
}

TEST_SUITE_END();
