// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <set>
#include <string>

#include "tool.h"

// Causes brought about on purpose, by the tool itself and behind its back: each is named, with its bytes.

using namespace netio::e2e;
using nlohmann::json;

namespace {

constexpr std::uint64_t size = 16384;
const std::uint64_t messages = scaled(997);
const std::uint64_t payload = size * messages;

json provoked(const std::string& cause) {
    return report_of({"--provoke", cause, "--size", std::to_string(size), "--messages", std::to_string(messages)});
}

bool contains(const json& text, const std::string& part) {
    return text.is_string() && text.get<std::string>().find(part) != std::string::npos;
}

bool any_contains(const json& texts, const std::string& part) {
    return std::any_of(texts.begin(), texts.end(), [&](const json& text) { return contains(text, part); });
}

std::uint64_t account_bytes(const json& report, const std::string& id) {
    const json account = element(report["ledger"]["accounts"], "id", id);
    REQUIRE_MESSAGE(!account.empty(), "no account ", id, " in ", report["ledger"]["accounts"].dump());
    return measured(account["bytes"]);
}

// A process with a packet socket of its own in the network namespace of another process.
class Sniffer {
 public:
    explicit Sniffer(pid_t neighbour) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        const netio::Fd ready(ends[0]);
        netio::Fd report(ends[1]);
        const std::string path = "/proc/" + std::to_string(neighbour) + "/ns/net";
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            sniff(path.c_str(), report.get(), parent);
        }
        report.reset();
        char opened = 0;
        REQUIRE(::read(ready.get(), &opened, 1) == 1);
        REQUIRE(opened == 'y');
    }
    Sniffer(const Sniffer&) = delete;
    ~Sniffer() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    pid_t pid() const { return pid_; }

 private:
    [[noreturn]] static void sniff(const char* ns_path, int report, pid_t parent) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::prctl(PR_SET_NAME, "evil-sniffer");
        const int ns = ::open(ns_path, O_RDONLY | O_CLOEXEC);
        const bool opened = ns >= 0 && ::setns(ns, CLONE_NEWNET) == 0 &&
                            ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)) >= 0 &&
                            ::getppid() == parent;
        const char said = opened ? 'y' : 'n';
        (void)!::write(report, &said, 1);
        while (opened) {
            ::pause();
        }
        ::_exit(1);
    }

    pid_t pid_ = -1;
};

struct Sniffed {
    json report;
    pid_t sniffer = -1;
};

// A run in whose middle a tap is opened in the namespace of its child `end`.
Sniffed run_sniffed(const Arguments& arguments, const std::string& end) {
    Sniffed run;
    const Outcome outcome = outcome_of("sniffed at " + end, [&] {
        Program trace = Program::start("netio-trace", arguments);
        working_server(trace.pid());
        const pid_t child = child_named(trace.pid(), end);
        const Sniffer sniffer(child);
        run.sniffer = sniffer.pid();
        return trace.wait();
    });
    REQUIRE_FALSE(outcome.hung);
    CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
    run.report = parse_report(outcome);
    return run;
}

// The packet tap gets a copy of each packet, retransmitted ones included, and so does the receiver.
void check_counted_apart(const json& report, std::uint64_t retransmitted) {
    for (const char* account : {"late.packet-tap", "late.local-delivery"}) {
        CAPTURE(account);
        const std::uint64_t bytes = account_bytes(report, account);
        CHECK(bytes >= payload);
        CHECK(bytes <= payload + retransmitted);
    }
}

}  // namespace

TEST_SUITE_BEGIN("causes");

TEST_CASE("causes: a packet tap is named with its process, and its copies are counted apart") {
    const json report = provoked("packet-tap");
    const std::uint64_t retransmitted = site_bytes(report, "server", "retransmitted");
    check_balances(report);
    check_payload(report, payload);
    check_counted_apart(report, retransmitted);
    const json tap = element(report["causes"], "cause", "packet-tap");
    REQUIRE(!tap.empty());
    CHECK(contains(tap["who"], "netio-tap (pid "));
    CHECK(tap["bytes"] == account_bytes(report, "late.packet-tap"));
    CHECK(tap["silent"] == false);
    CHECK(any_contains(tap["stack"], "dev_queue_xmit_nit"));
    CHECK(element(report["causes"], "cause", "local-delivery")["who"] == "");
    CHECK(report["witnesses"]["moved_clone_bytes"] == tap["bytes"]);
    const double copies = report["ledger"]["copies_per_byte"].get<double>();
    CHECK(copies >= 3.0);
    CHECK(copies <= 3.0 + 2.0 * static_cast<double>(retransmitted) / static_cast<double>(payload) + 1e-9);
}

TEST_CASE("causes: a tap that another process opens during the run is named") {
    const Sniffed run = run_sniffed({"--size", "16384", "--duration", "2s", "--json"}, "netio-server");
    const json& report = run.report;
    const std::string who = "evil-sniffer (pid " + std::to_string(run.sniffer) + ")";
    check_balances(report);
    const json tap = element(report["causes"], "cause", "packet-tap");
    REQUIRE(!tap.empty());
    CHECK(tap["who"] == who);
    CHECK(measured(tap["bytes"]) > 0);
    CHECK(account_bytes(report, "late.local-delivery") >= measured(report["ledger"]["payload_bytes"]));
    const json seen = element(report["taps"], "command", "evil-sniffer");
    REQUIRE(!seen.empty());
    CHECK(seen["pid"] == run.sniffer);
    CHECK(seen["namespace_of"] == "server");
}

TEST_CASE("causes: taps at both ends are told apart, each with its owner and its bytes") {
    const Sniffed run =
        run_sniffed({"--provoke", "packet-tap", "--size", "16384", "--duration", "2s", "--json"}, "netio-client");
    const json& report = run.report;
    check_balances(report);
    const json near = element(report["causes"], "cause", "packet-tap");
    const json far = element(report["causes"], "cause", "packet-tap-on-arrival");
    REQUIRE(!near.empty());
    REQUIRE(!far.empty());
    CHECK(contains(near["who"], "netio-tap (pid "));
    CHECK_FALSE(contains(near["who"], "evil-sniffer"));
    CHECK(far["who"] == "evil-sniffer (pid " + std::to_string(run.sniffer) + ")");
    // On the way out a tap gets a clone, on arrival the packet itself: that copy is no further one.
    CHECK(report["witnesses"]["moved_clone_bytes"] == near["bytes"]);
    const json delivered = element(report["causes"], "cause", "local-delivery");
    const std::uint64_t arrived = measured(far["bytes"]) + (delivered.empty() ? 0 : measured(delivered["bytes"]));
    CHECK(report["witnesses"]["moved_flagged_bytes"] == arrived);
    CHECK(arrived >= measured(report["ledger"]["payload_bytes"]));
    CHECK(arrived <= measured(report["ledger"]["payload_bytes"]) + site_bytes(report, "server", "retransmitted"));
}

TEST_CASE("causes: without scatter-gather most bytes are copied silently") {
    const json report = provoked("no-scatter-gather");
    check_balances(report);
    check_payload(report, payload);
    const json finding = element(report["causes"], "cause", "no-scatter-gather");
    REQUIRE(!finding.empty());
    CHECK(finding["silent"] == true);
    CHECK(measured(finding["bytes"]) > payload / 10 * 9);
    CHECK(contains(finding["device"], "(veth)"));
    const json& witnesses = report["witnesses"];
    CHECK(measured(witnesses["moved_silent_bytes"]) > payload / 10 * 9);
    CHECK(measured(witnesses["told_copied_calls"]) * 2 < measured(report["ledger"]["send_calls"]));
    CHECK(witnesses["agree"] == false);
    CHECK(any_contains(witnesses["sentences"], "silent"));
}

TEST_CASE("causes: MSG_ZEROCOPY without SO_ZEROCOPY is reported as never opted in") {
    const json report = provoked("not-opted-in");
    check_balances(report);
    check_payload(report, payload);
    const json finding = element(report["causes"], "cause", "not-opted-in");
    REQUIRE(!finding.empty());
    CHECK(finding["bytes"] == payload);
    CHECK(contains(finding["remedy"], "SO_ZEROCOPY"));
    CHECK(report["witnesses"]["told_calls"] == 0);
    CHECK(report["witnesses"]["recorded_calls"] == 0);
    CHECK(element(report["ledger"]["accounts"], "id", "sent.pinned").empty());
    CHECK(account_bytes(report, "sent.not-opted-in") == payload);
    CHECK(report["ledger"]["copies_per_byte"] == 2.0);
}

TEST_CASE("causes: a foreign zero-copy sender on the machine does not appear in the ledger") {
    Program server = Program::start("netio-server", {"--bind", "127.0.0.1", "--port", "0", "--mode", "zerocopy",
                                                     "--size", "16K", "--duration", "60s", "--threads", "1"});
    const std::string announcement = "listening on 127.0.0.1:";
    REQUIRE(server.says(announcement));
    REQUIRE(server.says("\n"));
    const std::string port = std::to_string(std::stoi(server.err().substr(announcement.size())));
    const Program client = Program::start("netio-client", {"--connect", "127.0.0.1", "--port", port});
    REQUIRE(works(server.pid()));

    const json report = provoked("none");
    CHECK(is_running(server.pid()));
    CHECK(is_running(client.pid()));
    check_balances(report);
    check_payload(report, payload);
    std::set<std::int32_t> pids;
    for (const json& socket : report["capture"]["sockets"]) {
        pids.insert(socket["pid"].get<std::int32_t>());
    }
    CHECK(report["capture"]["sockets"].size() == 2);
    CHECK(pids.count(server.pid()) + pids.count(client.pid()) == 0);
    REQUIRE(std::count_if(report["causes"].begin(), report["causes"].end(),
                          [](const json& cause) { return cause["bytes"].is_number(); }) == 1);
    CHECK(measured(report["causes"][0]["bytes"]) <= payload + site_bytes(report, "server", "retransmitted"));
}

TEST_SUITE_END();
