// SPDX-License-Identifier: MIT
#include "model/json.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <utility>

#include "model/json_report_fields.h"

using namespace netio;
using namespace netio::model;

namespace {

constexpr auto greatest = std::numeric_limits<std::uint64_t>::max();

// Every member of every structure differs from its default, so that a member lost on the way is noticed.
ConnectionResult full_connection() {
    ConnectionResult c;
    c.index = 3;
    c.thread_id = 4711;
    c.messages = 412'331;
    c.bytes = greatest;
    c.calls = 5;
    c.partial_calls = 6;
    c.enobufs = 7;
    c.program_copied_bytes = 8;
    c.error_queue = {9, 10, 11};
    c.unread_completions = 12;
    c.verified_bytes = 13;
    c.corrupt_bytes = 14;
    c.cpu_user_ns = -15;
    c.cpu_system_ns = std::numeric_limits<std::int64_t>::min();
    c.voluntary_switches = 17;
    c.involuntary_switches = 18;
    c.send_call_ns = {3, 3010, 1000, 1010, {{992, 1008, 2}, {1008, 1024, 1}}};
    c.delivery_ns = {1, greatest, greatest, greatest, {{63ULL << 58, greatest, 1}}};
    c.completion_ns = {1, 5, 5, 5, {{5, 6, 1}}};
    return c;
}

WorkloadResult full_result(Role role) {
    return {role, 100, 5'000'000'001, {full_connection(), ConnectionResult{}}, "set", "two machines", "the peer left"};
}

SocketFacts full_socket() {
    SocketFacts s{1, 100, "netio-server", Role::client, "10.0.0.1:5001", "10.0.0.2:40000", 4026532001, {}, {}};
    for (const auto& name : site_names) {
        s.sites[name.value] = {static_cast<std::uint64_t>(name.value) + 1, greatest};
    }
    s.send_errors = {{105, 3}, {-1, 4}};
    return s;
}

Capture full_capture() {
    Capture c;
    c.spec = {CopyMode::one_copy, Path::lo, Tier::kprobe, "packet-tap", 4093, 4, 10007, 1, 2, true};
    c.environment = {"0.1.0",
                     "6.18.0",
                     "x86_64",
                     "a \"CPU\"\\ µ\n",
                     2,
                     "KVM",
                     "integrity",
                     "2025-11-21T11:00:00Z",
                     {{"net.core.optmem_max", "131072"}, {"", "empty key"}}};
    c.interrupted = "SIGINT";
    c.server = full_result(Role::server);
    c.client = full_result(Role::client);
    c.sockets = {full_socket(), SocketFacts{}};
    c.devices = {{0xFFFF888012345678, "veth0", "veth", 2, 4026532001, false, false, false}, DeviceFacts{}};
    c.late_copies = {
        {1, 0xFFFF888012345678, Direction::receive, 5, 20480, 5, false, {"skb_copy_ubufs", "ip_local_deliver_finish"}},
        LateCopyFacts{}};
    c.probes = {{"late-copy",
                 "bytes copied late",
                 true,
                 Tier::tracepoint,
                 "tp_btf/mm_page_alloc",
                 {"fentry/skb_copy_ubufs: Operation not permitted (EPERM)"}},
                ProbeFacts{}};
    c.counters = {{Role::client, 4711, "cycles", "user", greatest, 10, 9},
                  {Role::client, 4711, "cycles", "kernel", Figure<std::uint64_t>::missing("this VM has no PMU"), 1, 1},
                  {Role::client, 4711, "cycles", "all", Figure<std::uint64_t>::missing(""), 1, 1},
                  {Role::server, 4712, "cycles", "user", 5U, 10, 9, "cpu_atom"},
                  CounterReading{}};
    c.machine_counters = {{3, "cycles", greatest, 10, 9, "cpu_core"},
                          {4, "busy-time", Figure<std::uint64_t>::missing("too short"), 1, 1, {}},
                          ProcessorReading{}};
    c.taps = {{"host", 4026531840, "0x800", 4712, "tcpdump", "eth0"}, TapFacts{}};
    c.lost_events = 1;
    c.lost_copies = 3;
    c.untracked_sockets = 2;
    return c;
}

std::string why_refused(const Json& json) {
    const auto capture = capture_from_json(json);
    REQUIRE_FALSE(capture.has_value());
    CHECK(capture.error().what == "cannot read the capture");
    CHECK(capture.error().code == ExitCode::usage);
    CHECK_FALSE(capture.error().advice.empty());
    return capture.error().why;
}

// A full capture with one value replaced.
std::string why_refused(const char* pointer, const Json& value) {
    Json json = to_json(full_capture());
    json[Json::json_pointer(pointer)] = value;
    return why_refused(json);
}

std::string why_refused_without(const char* parent, const char* key) {
    Json json = to_json(full_capture());
    json[Json::json_pointer(parent)].erase(key);
    return why_refused(json);
}

// Stands for a value of any type, to find out how many members a structure has.
struct Anything {
    template <class T>
    operator T() const;  // NOLINT(google-explicit-constructor): brace initialisation converts implicitly
};

template <class S, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
    return requires {
        S{(static_cast<void>(I), Anything{})...};
    };
}

template <class S, std::size_t N = 1>
constexpr std::size_t members() {
    if constexpr (takes<S>(std::make_index_sequence<N + 1>())) {
        return members<S, N + 1>();
    } else {
        return N;
    }
}

struct FieldCounter {
    std::size_t count = 0;
    template <class T>
    void operator()(const char*, const T&) {
        ++count;
    }
};

template <class S>
void check_every_member_has_a_key() {
    FieldCounter counter;
    const S structure{};
    model::detail::fields(counter, structure);
    CHECK(counter.count == members<S>());
}

}  // namespace

TEST_CASE_TEMPLATE("json: every member of the model has a key", S, Spec, Environment, Tally, SocketFacts, DeviceFacts,
                   LateCopyFacts, CounterReading, ProcessorReading, ProbeFacts, TapFacts, Capture, HistogramData,
                   ErrorQueueClaim, ConnectionResult, WorkloadResult, Account, Balance, Ledger, Witnesses, Finding,
                   Latency, CounterPart, CounterRow, MachineRow, MachineCounters, Report) {
    check_every_member_has_a_key<S>();
}

TEST_CASE("json: a capture survives the way through text, full or default") {
    for (const Capture& capture : {full_capture(), Capture{}}) {
        const auto parsed = parse_json(to_json(capture).dump(2));
        REQUIRE(parsed.has_value());
        const auto read = capture_from_json(*parsed);
        REQUIRE_MESSAGE(read.has_value(), read.error().why);
        CHECK(*read == capture);
        CHECK(to_json(*read).dump() == to_json(capture).dump());
    }
}

TEST_CASE("json: reading replaces what was there, so nothing of a default is left") {
    Capture lean;
    lean.devices = {DeviceFacts{1, "lo", "loopback", 1, 2, true, true, true}};
    CHECK(capture_from_json(to_json(lean)) == lean);
}

TEST_CASE("json: a workload result survives, full or default") {
    for (const WorkloadResult& result : {full_result(Role::client), WorkloadResult{}}) {
        const auto read = workload_result_from_json(*parse_json(to_json(result).dump()));
        REQUIRE(read.has_value());
        CHECK(*read == result);
    }
    const auto refused = workload_result_from_json(Json::parse(R"({"role": "sever"})"));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().what == "cannot read the workload's result");
    CHECK(refused.error().why == "role: unknown role 'sever'");
    CHECK(refused.error().code == ExitCode::incomplete);
}

TEST_CASE("json: how it looks") {
    const Json json = to_json(full_capture());
    CHECK(json.begin().key() == "schema_version");
    CHECK(json["schema_version"] == 1);
    CHECK(json["spec"].dump() ==
          R"({"mode":"one-copy","path":"lo","tier":"kprobe","provoke":"packet-tap","size_bytes":4093,"threads":4,)"
          R"("messages":10007,"duration_ns":1,"warmup_ns":2,"verify":true})");
    CHECK(json["sockets"][0]["sites"]["send-copied"].dump() == R"({"calls":1,"bytes":18446744073709551615})");
    CHECK(json["sockets"][0]["send_errors"].dump() == R"({"-1":4,"105":3})");
    CHECK(json["counters"][0]["count"] == greatest);
    CHECK(json["counters"][1]["count"].dump() == R"({"missing":"this VM has no PMU"})");
    CHECK_FALSE(json["counters"][0].contains("pmu"));
    CHECK(json["counters"][3]["pmu"] == "cpu_atom");
    CHECK(json["machine_counters"][0].dump() ==
          R"({"cpu":3,"event":"cycles","count":18446744073709551615,"enabled_ns":10,"running_ns":9,"pmu":"cpu_core"})");
    CHECK_FALSE(to_json(Capture{}).contains("machine_counters"));
    CHECK(json["late_copies"][0]["direction"] == "receive");
    CHECK(to_json(full_connection().send_call_ns).dump() ==
          R"({"count":3,"sum":3010,"min":1000,"max":1010,"buckets":[[992,1008,2],[1008,1024,1]]})");
}

TEST_CASE("json: a report") {
    Report report;
    report.verdict = "All were copied.";
    report.ledger.accounts = {{"sent.pinned", "program -> kernel", "pinned", 5U, 1U, 0.5, "f"}};
    report.findings = {{.cause = "local-delivery", .share = 0.25, .stack = {"skb_copy_ubufs"}}};
    report.throughput_bits_per_second = std::numeric_limits<double>::infinity();
    report.complete = false;
    const Json json = to_json(report);
    CHECK(json.begin().key() == "schema_version");
    CHECK(json["schema_version"] == 1);
    CHECK(json["verdict"] == "All were copied.");
    CHECK(json["complete"] == false);
    CHECK(json["ledger"]["accounts"][0].dump() ==
          R"({"id":"sent.pinned","stage":"program -> kernel","what":"pinned","bytes":5,"calls":1,)"
          R"("copies_per_byte":0.5,"where":"f"})");
    CHECK(json["ledger"]["payload_bytes"].dump() == R"({"missing":"not measured"})");
    CHECK(json["findings"][0]["share"] == 0.25);
    CHECK(json["findings"][0]["stack"].dump() == R"(["skb_copy_ubufs"])");
    CHECK(json["throughput_bits_per_second"].dump() == R"({"missing":"not a finite number"})");
    CHECK_FALSE(json.contains("capture"));
}

TEST_CASE("json: bytes that are not UTF-8 do not make the text unwritable") {
    Capture capture;
    capture.interrupted = "a\xFFz";
    capture.environment.limits = {{"k\xFF", "v\xFF"}};
    capture.counters = {{.count = Figure<std::uint64_t>::missing("r\xFF")}};
    std::string text;
    REQUIRE_NOTHROW(text = to_json(capture).dump());
    const auto read = capture_from_json(*parse_json(text));
    REQUIRE(read.has_value());
    CHECK(read->interrupted == "a\uFFFDz");
    CHECK(read->environment.limits == std::map<std::string, std::string>{{"k\uFFFD", "v\uFFFD"}});
    CHECK(read->counters[0].count.reason() == "r\uFFFD");
}

TEST_CASE("json: keys that the model does not have are passed over") {
    Json json = to_json(full_capture());
    json["report"] = {{"verdict", "x"}};
    json["spec"]["colour"] = "blue";
    CHECK(capture_from_json(json) == full_capture());
}

TEST_CASE("json: another schema_version is refused, with advice") {
    CHECK(why_refused("/schema_version", 2) == "schema_version: it is 2, and this netio-trace reads 1");
    CHECK(why_refused("/schema_version", "1\xFF") == "schema_version: it is \"1\uFFFD\", and this netio-trace reads 1");
    CHECK(why_refused_without("", "schema_version") == "schema_version: it is missing");
    CHECK(why_refused(Json::array()) == "schema_version: it is missing");
    CHECK(why_refused(Json()) == "schema_version: it is missing");
    Json other = to_json(Capture{});
    other["schema_version"] = 2;
    CHECK(capture_from_json(other).error().advice ==
          "replay it with the netio-trace that wrote it (environment.tool_version)");
}

TEST_CASE("json: unknown words are named with their path") {
    CHECK(why_refused("/spec/mode", "no-copy") == "spec.mode: unknown mode 'no-copy'");
    CHECK(why_refused("/spec/path", "eth") == "spec.path: unknown path 'eth'");
    CHECK(why_refused("/spec/provoke", 7) == "spec.provoke: expected a text, found a number");
    CHECK(why_refused("/probes/1/tier", "uprobe") == "probes[1].tier: unknown tier 'uprobe'");
    CHECK(why_refused("/late_copies/0/direction", "up") == "late_copies[0].direction: unknown direction 'up'");
    CHECK(why_refused("/sockets/0/sites/foo", Json::object()) == "sockets[0].sites: unknown site 'foo'");
    CHECK(why_refused("/sockets/0/send_errors/EPERM", 1) ==
          "sockets[0].send_errors: expected whole numbers as keys, found 'EPERM'");
    CHECK(why_refused("/sockets/0/send_errors/4294967296", 1) ==
          "sockets[0].send_errors: expected whole numbers as keys, found '4294967296'");
}

TEST_CASE("json: missing keys are named with their path") {
    CHECK(why_refused_without("", "server") == "server: it is missing");
    CHECK(why_refused_without("/client/connections/0/error_queue", "calls_copied") ==
          "client.connections[0].error_queue.calls_copied: it is missing");
    CHECK(why_refused_without("/sockets/0/sites/send-pinned", "bytes") ==
          "sockets[0].sites.send-pinned.bytes: it is missing");
}

TEST_CASE("json: values of the wrong kind are named with their path") {
    CHECK(why_refused("/spec", 1) == "spec: expected an object, found a number");
    CHECK(why_refused("/spec/verify", 1) == "spec.verify: expected true or false, found a number");
    CHECK(why_refused("/spec/mode", true) == "spec.mode: expected a text, found a truth value");
    CHECK(why_refused("/sockets", "none") == "sockets: expected an array, found a text");
    CHECK(why_refused("/environment/limits", Json::array()) ==
          "environment.limits: expected an object, found an array");
    CHECK(why_refused("/environment/limits/net.core.optmem_max", nullptr) ==
          "environment.limits.net.core.optmem_max: expected a text, found null");
    CHECK(why_refused("/counters/1/count/missing", 5) == "counters[1].count.missing: expected a text, found a number");
    CHECK(why_refused("/server/connections/0/send_call_ns/buckets/0", Json::array({1, 2})) ==
          "server.connections[0].send_call_ns.buckets[0]: expected [lower, upper, count]");
    CHECK(why_refused("/server/connections/0/send_call_ns/buckets/0/2", -1) ==
          "server.connections[0].send_call_ns.buckets[0][2]: expected a whole number from 0 to 18446744073709551615, "
          "found -1");
}

TEST_CASE("json: numbers must fit, and are never cut") {
    CHECK(why_refused("/spec/threads", 4294967296) ==
          "spec.threads: expected a whole number from 0 to 4294967295, found 4294967296");
    CHECK(why_refused("/spec/size_bytes", -1) ==
          "spec.size_bytes: expected a whole number from 0 to 18446744073709551615, found -1");
    CHECK(why_refused("/spec/size_bytes", 1.5) ==
          "spec.size_bytes: expected a whole number from 0 to 18446744073709551615, found a fraction");
    CHECK(why_refused("/spec/duration_ns", greatest) ==
          "spec.duration_ns: expected a whole number from -9223372036854775808 to 9223372036854775807, found "
          "18446744073709551615");
    CHECK(why_refused("/counters/0/count", "many") ==
          "counters[0].count: expected a whole number from 0 to 18446744073709551615, found a text");
}

TEST_CASE("json: what is not JSON text is refused") {
    for (const char* text : {"", "{", "{\"a\": 1} x", "\"\xFF\""}) {
        CAPTURE(text);
        const auto json = parse_json(text);
        REQUIRE_FALSE(json.has_value());
        CHECK(json.error().what == "not JSON text");
        CHECK(json.error().why.find("parse error") != std::string::npos);
        CHECK(json.error().code == ExitCode::usage);
    }
    CHECK(parse_json("[1, 2]").value() == Json::array({1, 2}));
}
