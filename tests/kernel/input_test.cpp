// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tool.h"

// What a user can get wrong: each is one line that says what failed, why, and what to try.

using namespace netio::e2e;
using nlohmann::json;

namespace {

struct Wrong {
    Arguments arguments;
    std::string what;  // each a part of the one line
    std::string advice;
    int exit_code = 2;
};

// "program: what: why; try: advice"
void check_one_line(const Outcome& outcome, const std::string& program, int exit_code) {
    CHECK_FALSE(outcome.hung);
    CHECK(outcome.signal == 0);
    CHECK(outcome.exit_code == exit_code);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.ends_with("\n"));
    CHECK(outcome.err.size() < 400);
    CHECK(outcome.err.starts_with(program + ": "));
    const auto advice = outcome.err.find("; try: ");
    CHECK(advice != std::string::npos);
    CHECK(outcome.err.find(": ", program.size() + 2) < advice);
}

void check_wrong(const Wrong& wrong, bool as_nobody = false) {
    std::string words;
    for (const std::string& argument : wrong.arguments) {
        words += argument + " ";
    }
    CAPTURE(words);
    const Outcome outcome = run_trace(wrong.arguments, as_nobody);
    CAPTURE(outcome.err);
    CHECK(outcome.err.find(wrong.what) != std::string::npos);
    CHECK(outcome.err.find(wrong.advice, outcome.err.find("; try: ")) != std::string::npos);
    check_one_line(outcome, "netio-trace", wrong.exit_code);
}

// A file with that content, which everybody may read.
std::string file_in(const Folder& folder, const std::string& name, const std::string& content) {
    const std::string path = folder.path() + "/" + name;
    std::ofstream(path) << content;
    REQUIRE(std::filesystem::file_size(path) == content.size());
    return path;
}

class TakenPort {
 public:
    TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
        REQUIRE(::listen(socket_.get(), 1) == 0);
        REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
        number_ = std::to_string(ntohs(address.sin_port));
    }
    const std::string& number() const { return number_; }

 private:
    netio::Fd socket_;
    std::string number_;
};

}  // namespace

TEST_SUITE_BEGIN("input");

TEST_CASE("input: unknown words are told with the nearest one") {
    for (const Wrong& wrong : {
             Wrong{{"--mode", "zerocpy"}, "zerocpy", "zerocopy"},
             Wrong{{"--mode", "onecopy"}, "onecopy", "one-copy"},
             Wrong{{"--mode", "quux"}, "quux", "two-copy, per-field, one-copy, zerocopy"},
             Wrong{{"--path", "vet"}, "vet", "veth"},
             Wrong{{"--tier", "trace-point"}, "trace-point", "tracepoint"},
             Wrong{{"--provoke", "packet-tab"}, "packet-tab", "packet-tap"},
         }) {
        check_wrong(wrong);
    }
}

TEST_CASE("input: impossible sizes and times") {
    for (const Wrong& wrong : {
             Wrong{{"--size", "7"}, "--size 7", "16K"},
             Wrong{{"--size", "0"}, "--size 0", "16K"},
             Wrong{{"--size", "-1"}, "cannot be negative", "16K"},
             Wrong{{"--size", "2G"}, "--size 2G", "16K"},
             Wrong{{"--size", "12Q"}, "unknown unit 'Q'", "16K"},
             Wrong{{"--size", ""}, "--size", "16K"},
             Wrong{{"--duration", "0"}, "--duration 0", "5s"},
             Wrong{{"--duration", "0ms"}, "--duration 0ms", "5s"},
             Wrong{{"--duration", "abc"}, "--duration abc", "500ms"},
             Wrong{{"--duration", "-1s"}, "--duration -1s", "500ms"},
             Wrong{{"--duration", "999999999h"}, "--duration 999999999h", "500ms"},
             Wrong{{"--warmup", "5x"}, "--warmup 5x", "500ms"},
             Wrong{{"--ring", "5000"}, "--ring 5000", "256K"},
         }) {
        check_wrong(wrong);
    }
}

TEST_CASE("input: impossible counts") {
    for (const Wrong& wrong : {
             Wrong{{"--threads", "0"}, "--threads", ""},
             Wrong{{"--threads", "1025"}, "--threads", ""},
             Wrong{{"--threads", "many"}, "--threads", ""},
             Wrong{{"--messages", "0"}, "--messages", ""},
             Wrong{{"--messages", "-1"}, "--messages", ""},
             Wrong{{"--messages", "many"}, "--messages", ""},
             Wrong{{"--messages", "99999999999999999999"}, "--messages", ""},
         }) {
        check_wrong(wrong);
    }
}

TEST_CASE("input: options that do not exist, do not go together, or miss their value") {
    for (const Wrong& wrong : {
             Wrong{{"--messages", "3", "--duration", "1s"}, "--duration", ""},
             Wrong{{"--provoke", "not-opted-in", "--mode", "one-copy"}, "not-opted-in", "zerocopy"},
             Wrong{{"--mode"}, "--mode: it needs a value", ""},
             Wrong{{"--threads", "1025"}, "netio-trace: --threads: ", ""},
             Wrong{{"replai", "file"}, "netio-trace: replai: ", "replay"},
             Wrong{{"--treads", "4"}, "netio-trace: --treads: ", "--threads"},
             Wrong{{"doctor", "--jsn"}, "netio-trace: --jsn: ", "--json"},
             Wrong{{"doctor", "--to", "localhost"}, "--to 'localhost'", "10.99.0.2"},
             Wrong{{"doctor", "--to", "10.99.0.2:0"}, "'0' is no port", "10.99.0.2:5001"},
             Wrong{{"doctor", "--to", ""}, "--to ''", "10.99.0.2"},
             Wrong{{"doctor", "--to", "224.0.0.1"}, "no address of one receiver", "ip route get"},
             Wrong{{"doctor", "--to", "127.0.0.1", "--netns", ""}, "--netns ''", "/run/netns"},
             Wrong{{"doctor", "--to", "127.0.0.1", "--netns", "/dev/null"}, "no network namespace", "/run/netns"},
             Wrong{{"doctor", "--to", "127.0.0.1", "--netns", "/no/such/file"}, "/no/such/file", "/run/netns"},
             Wrong{{"doctor", "--to", "127.0.0.1", "--netns", "999999999"}, "process 999999999", "still running"},
             Wrong{{"doctor", "--netns", "1"}, "--netns requires --to", ""},
             Wrong{{"doctor", "--to", "127.0.0.1", "--tier", "kprobe"}, "--tier excludes --to", ""},
             Wrong{{"causes", "packet-tab"}, "packet-tab", "packet-tap"},
             Wrong{{"replay"}, "FILE", ""},
         }) {
        check_wrong(wrong);
    }
}

TEST_CASE("input: a receiver elsewhere, and options that need one or cannot have one") {
    const TakenPort port;
    for (const Wrong& wrong : {
             Wrong{{"--path", "remote"}, "an address of this machine", "--bind"},
             Wrong{{"--path", "remote", "--port", "5001"}, "an address of this machine", "--bind"},
             Wrong{{"--bind", "127.0.0.1"}, "--bind with --path veth", "--path remote"},
             Wrong{{"--path", "lo", "--port", "5001"}, "--port with --path lo", "--path remote"},
             Wrong{{"--wait", "1s"}, "--wait with --path veth", "--path remote"},
             Wrong{{"--path", "remote", "--bind", "127.0.0.1", "--wait", "soon"}, "--wait soon", "500ms"},
             Wrong{{"--path", "remote", "--bind", "127.0.0.1", "--port", "65536"}, "65536", ""},
             Wrong{{"--path", "remote", "--bind", "127.0.0.1", "--port", port.number()}, "is taken", "--port 0"},
             Wrong{{"--path", "remote", "--bind", "192.0.2.1"}, "no address of this machine", "--bind"},
             Wrong{{"--path", "remote", "--bind", "no.such.address.invalid"}, "no address of a machine", "127.0.0.1"},
             Wrong{{"--path", "remote", "--bind", "127.0.0.1", "--verify"}, "--verify", "netio-client --verify"},
             Wrong{{"--path", "remote", "--bind", "127.0.0.1", "--provoke", "packet-tap"}, "--provoke", "--provoke"},
             Wrong{{"--path", "remot"}, "remot", "remote"},
         }) {
        check_wrong(wrong);
    }
}

TEST_CASE("input: files that cannot be replayed") {
    const Folder folder;
    const std::string capture = report_of({"--size", "4093", "--messages", "23"}).dump();
    json future = json::parse(capture);
    future["schema_version"] = 99;
    future["capture"]["schema_version"] = 99;
    json damaged = json::parse(capture);
    damaged["capture"]["spec"]["size_bytes"] = "many";
    for (const Wrong& wrong : {
             Wrong{{"replay", folder.path() + "/no-such-file"}, "No such file", ""},
             Wrong{{"replay", file_in(folder, "empty", "")}, "cannot be replayed", "--json"},
             Wrong{
                 {"replay", file_in(folder, "garbage", "\x7f\x45LF garbage \xff\xfe")}, "cannot be replayed", "--json"},
             Wrong{{"replay", file_in(folder, "half", capture.substr(0, capture.size() / 2))},
                   "cannot be replayed",
                   "--json"},
             Wrong{{"replay", file_in(folder, "list", "[1, 2]")}, "cannot be replayed", "--json"},
             Wrong{{"replay", file_in(folder, "other", "{}")}, "schema_version", "netio-trace"},
             Wrong{{"replay", file_in(folder, "future", future.dump())}, "schema_version: it is 99", "netio-trace"},
             Wrong{{"replay", file_in(folder, "damaged", damaged.dump())}, "size_bytes", "netio-trace"},
         }) {
        check_wrong(wrong);
    }
}

TEST_CASE("input: nobody is told to use sudo, and can replay") {
    check_wrong({{"--messages", "3"}, "CAP_SYS_ADMIN", "sudo", 3}, true);

    const Folder folder;
    const json report = report_of({"--size", "4093", "--messages", "23"});
    const std::string file = file_in(folder, "capture.json", report.dump());
    const Outcome shown = run_trace({"replay", file}, true);
    CHECK_MESSAGE(shown.exit_code == 0, shown.err);
    CHECK(shown.err.empty());
    CHECK(shown.out.find("skb_copy_ubufs") != std::string::npos);
    CHECK(shown.out.find("local-delivery") != std::string::npos);
    const Outcome again = run_trace({"replay", file, "--json"}, true);
    CHECK(again.exit_code == 0);
    CHECK(parse_report(again) == report);
}

TEST_CASE("input: a tier asked for by name works or is refused by name, and never falls back") {
    for (const char* tier : {"fentry", "kprobe", "tracepoint"}) {
        CAPTURE(tier);
        const Outcome outcome = outcome_of(std::string("tier ") + tier, [&] {
            return run_trace({"--tier", tier, "--size", "4093", "--messages", "23", "--json"});
        });
        CAPTURE(outcome.err);
        if (outcome.exit_code != 0) {
            check_one_line(outcome, "netio-trace", 3);
            CHECK(outcome.err.find(std::string("tier ") + tier) != std::string::npos);
            CHECK(outcome.err.find("doctor") != std::string::npos);
            continue;
        }
        const json report = parse_report(outcome);
        check_balances(report);
        check_payload(report, 4093U * 23U);
        for (const json& probe : report["coverage"]) {
            CHECK((probe["tier"] == tier || probe["required"] == false));
        }
    }
}

TEST_CASE("input: a run that is asked not to trace is complete, and says what it has not measured") {
    for (const char* mode : {"zerocopy", "one-copy"}) {
        const json report = report_of({"--tier", "none", "--mode", mode, "--size", "4093", "--messages", "23"});
        CHECK(report["complete"] == true);
        CHECK(measured(report["ledger"]["payload_bytes"]) == 4093U * 23U);
        CHECK(measured(element(report["ledger"]["balances"], "id", "delivered")["unexplained"]) == 0);
        CHECK(report["verdict"].get<std::string>().starts_with("Nothing was traced"));
        CHECK_FALSE(report["ledger"]["unexplained_bytes"].is_number());
        CHECK_FALSE(report["ledger"]["copies_per_byte"].is_number());
        CHECK(report["coverage"] == json::array());
    }
}

// With few descriptors an empty program can be loaded and attached, as one is tried after the other. All of a run's
// programs and maps cannot: what is told of the machine has to be true of a run.
TEST_CASE("input: doctor tells of what really can be attached") {
    constexpr rlim_t few = 16;
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const rlimit lowered{few, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    Program doctor = Program::start("netio-trace", {"doctor", "--json"});
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    const Outcome outcome = doctor.wait();
    CHECK(outcome.exit_code == 3);
    const json findings = parse_report(outcome);
    CHECK(findings["traceable"] == false);
    for (const json& probe : findings["probes"]) {
        CHECK(probe["tier"] == "none");
        CHECK(probe["refused"].dump().find("Too many open files (EMFILE)") != std::string::npos);
    }

    const json able = parse_report(run_trace({"doctor", "--json"}));
    CHECK(able["exit_code"] == 0);
    for (const char* tier : {"fentry", "kprobe", "tracepoint"}) {
        REQUIRE(able["tiers"][tier].size() == able["probes"].size());
        for (const json& probe : able["tiers"][tier]) {
            CAPTURE(probe.dump());
            CHECK((probe["tier"] == tier || probe["tier"] == "none" || probe["required"] == false));
            CHECK((probe["tier"] != "none" || !probe["refused"].empty()));
        }
    }
}

TEST_CASE("input: a cause is explained by its id, without root") {
    const Outcome list = run_trace({"causes"}, true);
    CHECK(list.exit_code == 0);
    CHECK(list.out.find("\npacket-tap ") != std::string::npos);
    const Outcome one = run_trace({"causes", "packet-tap"}, true);
    CHECK(one.exit_code == 0);
    CHECK(one.out.starts_with("packet-tap: "));
    for (const char* part : {"\nWhy ", "\nKernel ", "dev_queue_xmit_nit", "\nTry ", "stop the sniffer"}) {
        CHECK_MESSAGE(one.out.find(part) != std::string::npos, part);
    }
    CHECK(one.out.find("local-delivery") == std::string::npos);
}

TEST_CASE("input: a taken port and a server that is not there") {
    const TakenPort port;
    const Outcome server = Program::start("netio-server", {"--bind", "127.0.0.1", "--port", port.number()}).wait();
    CAPTURE(server.err);
    check_one_line(server, "netio-server", 2);
    CHECK(server.err.find("port " + port.number() + " is taken") != std::string::npos);

    const Outcome client = Program::start("netio-client", {"--connect", "127.0.0.1", "--port", "1"}).wait();
    CAPTURE(client.err);
    CHECK_FALSE(client.hung);
    CHECK(client.exit_code == 4);
    CHECK(client.err.find("cannot connect to 127.0.0.1:1: Connection refused") != std::string::npos);
    CHECK(client.err.find("; try: ") != std::string::npos);
}

TEST_SUITE_END();
