// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <functional>
#include <regex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "capture_fixture.h"
#include "explain/causes.h"
#include "explain/classify.h"
#include "explain/explain.h"
#include "explain/refusals.h"
#include "golden.h"
#include "report/terminal.h"

namespace {

using namespace netio;
using explain::cause;
using explain::cause_of;
using explain::find_causes;
using explain::parse_causes;
using ledger::LateGroup;
using model::Capture;
using model::Direction;
using model::Finding;
using model::Site;
using test::calls;
using test::late_copy;
using test::payload;

using Names = std::vector<std::string>;
using Count = model::Figure<std::uint64_t>;

LateGroup group(Names stack) {
    LateGroup made;
    made.function = stack.empty() ? "" : stack[0];
    made.caller = stack.size() < 2 ? "" : stack[1];
    made.stack = std::move(stack);
    made.device = test::veth_device(test::sender_key, "server0");
    return made;
}

LateGroup on_device(LateGroup made, const std::function<void(model::DeviceFacts&)>& change) {
    change(made.device);
    return made;
}

std::string cause_alone(const LateGroup& made) {
    return cause_of(made, {made}, {});
}

struct Explained {
    std::vector<Finding> findings;
    model::Ledger ledger;
};

Explained explain_all(const Capture& capture) {
    auto books = ledger::close_books(capture);
    auto findings = find_causes(capture, books);
    return {std::move(findings), std::move(books.ledger)};
}

Names causes_in(const Explained& explained) {
    Names ids;
    for (const auto& finding : explained.findings) {
        ids.push_back(finding.cause);
    }
    return ids;
}

Names accounts_in(const Explained& explained) {
    Names ids;
    for (const auto& account : explained.ledger.accounts) {
        ids.push_back(account.id);
    }
    return ids;
}

Finding only_finding(const Capture& capture) {
    const auto explained = explain_all(capture);
    REQUIRE(explained.findings.size() == 1);
    return explained.findings.front();
}

std::string who_taps(const std::vector<model::TapFacts>& taps, const std::string& id = "packet-tap",
                     Capture capture = test::tapped_capture()) {
    capture.taps = taps;
    for (const auto& finding : explain_all(capture).findings) {
        if (finding.cause == id) {
            return finding.who;
        }
    }
    FAIL("no finding " << id);
    return {};
}

model::TapFacts tap(std::string protocol, std::int32_t pid, std::string command, std::uint64_t inode = 7,
                    std::string end = "server") {
    model::TapFacts facts;
    facts.namespace_of = std::move(end);
    facts.protocol = std::move(protocol);
    facts.pid = pid;
    facts.command = std::move(command);
    facts.inode = inode;
    return facts;
}

void without_sg(model::DeviceFacts& device) {
    device.scatter_gather = false;
}

// A table of one row with every text, but for what `change` does to the row.
std::string table(const std::function<void(nlohmann::json&)>& change = [](auto&) {}) {
    nlohmann::json row;
    for (const char* key :
         {"id", "class", "title", "meaning", "kernel", "versions", "program_sees", "evidence", "remedy", "provoke"}) {
        row[key] = std::string("the ") + key;
    }
    change(row);
    return nlohmann::json{{"causes", {row}}}.dump();
}

std::string complaint(std::string_view text) {
    const auto parsed = parse_causes(text);
    REQUIRE_FALSE(parsed.has_value());
    return describe(parsed.error());
}

}  // namespace

TEST_CASE("cause: local delivery, in the function that this kernel delivers in") {
    CHECK(cause_alone(group({"skb_copy_ubufs", "ip_local_deliver_finish"})) == "local-delivery");
    CHECK(cause_alone(group({"skb_copy_ubufs", "ip6_input_finish"})) == "local-delivery");
    CHECK(cause_alone(group({"skb_copy_ubufs", "__netif_receive_skb_core"})) == "local-delivery");
}

LateGroup towards(Direction direction, LateGroup made) {
    made.direction = direction;
    return made;
}

TEST_CASE("cause: a packet tap on the way out and on the way in") {
    CHECK(cause_alone(group({"skb_copy_ubufs", "dev_queue_xmit_nit"})) == "packet-tap");
    CHECK(cause_alone(group({"skb_copy_ubufs", "deliver_skb", "dev_queue_xmit_nit"})) == "packet-tap");
    CHECK(cause_alone(group({"skb_copy_ubufs", "deliver_skb", "__netif_receive_skb_core"})) == "packet-tap-on-arrival");
}

TEST_CASE("cause: the generic receive function copies for taps where another one delivers, or where a tap listens") {
    const auto generic = group({"skb_copy_ubufs", "__netif_receive_skb_core"});
    const auto tapped = group({"skb_copy_ubufs", "dev_queue_xmit_nit"});
    CHECK(cause_of(generic, {generic, group({"skb_copy_ubufs", "ip_local_deliver_finish"})}, {}) ==
          "packet-tap-on-arrival");
    CHECK(cause_of(generic, {group({"skb_copy_ubufs", "ip6_input_finish"}), generic}, {}) == "packet-tap-on-arrival");
    CHECK(cause_of(generic, {generic, tapped}, {}) == "local-delivery");
    CHECK(cause_of(generic, {generic}, {.receiver_tapped = true}) == "packet-tap-on-arrival");
    const auto delivered = group({"skb_copy_ubufs", "ip_local_deliver_finish"});
    CHECK(cause_of(delivered, {delivered}, {.receiver_tapped = true}) == "local-delivery");
}

TEST_CASE("cause: what is copied in a namespace between the ends is forwarded") {
    auto generic = group({"skb_copy_ubufs", "__netif_receive_skb_core"});
    generic.device.netns = 7;
    CHECK(cause_of(generic, {generic}, {.end_namespaces = {5, 6}}) == "forwarded-copy");
    CHECK(cause_of(generic, {generic}, {.end_namespaces = {5, 7}}) == "local-delivery");
    CHECK(cause_of(generic, {generic}, {}) == "local-delivery");
}

TEST_CASE("cause: callers that each stand for one cause") {
    CHECK(cause_alone(group({"skb_copy_ubufs", "tun_net_xmit", "dev_hard_start_xmit"})) == "tun-tap");
    CHECK(cause_alone(group({"skb_copy_ubufs", "__skb_tstamp_tx", "veth_xmit"})) == "timestamps-with-payload");
    CHECK(cause_alone(group({"pskb_expand_head", "do_xdp_generic"})) == "generic-xdp");
    CHECK(cause_alone(group({"skb_pp_cow_data", "do_xdp_generic"})) == "generic-xdp");
    CHECK(cause_alone(group({"skb_pp_cow_data", "veth_xdp_rcv_skb", "veth_poll"})) == "native-xdp");
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_ensure_writable", "bpf_skb_pull_data"})) == "bpf-pull");
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_checksum_help", "xfrm_output"})) == "ipsec");
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_checksum_help", "netem_enqueue"})) == "netem-corrupt");
    CHECK(cause_alone(group({"skb_segment", "tcp_gso_segment", "wg_xmit"})) == "wireguard");
    const auto encrypts = [](model::DeviceFacts& device) { device.kind = "wireguard"; };
    CHECK(cause_alone(on_device(group({"__pskb_pull_tail"}), encrypts)) == "wireguard");
    CHECK(cause_alone(group({"skb_segment", "tcp_gso_segment", "nfqnl_enqueue_packet"})) == "queued-to-process");
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_checksum_help", "__nfqnl_enqueue_packet"})) ==
          "queued-to-process");
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_checksum_help", "nf_queue"})) == "queued-to-process");
    CHECK(cause_alone(group({"skb_copy_expand", "nfqnl_recv_verdict"})) == "private-copy");
    CHECK(cause_alone(group({"skb_copy_expand", "nfqnl_mangle", "nfqnl_recv_verdict"})) == "private-copy");
    // What happens to a packet after the process has let it pass is another matter.
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_checksum_help", "validate_xmit_skb", "nfqnl_recv_verdict"})) ==
          "no-checksum-offload");
    CHECK(cause_alone(group({"skb_copy", "usbnet_start_xmit", "dev_hard_start_xmit"})) == "private-copy");
    CHECK(cause_alone(group({"skb_copy", "netem_enqueue"})) == "netem-corrupt");
    CHECK(cause_alone(group({"swiotlb_map", "dma_direct_map_page", "dev_hard_start_xmit"})) == "bounce-buffer");
    CHECK(cause_alone(towards(Direction::receive, group({"skb_copy_ubufs", "tun_chr_read_iter"}))) == "unclassified");
}

TEST_CASE("cause: a checksum inside of a tunnel is the tunnel's, unless the device computes none at all") {
    const auto cut = group({"__pskb_pull_tail", "skb_segment", "tcp_gso_segment", "skb_udp_tunnel_segment"});
    CHECK(cause_alone(cut) == "tunnel-without-offload");
    CHECK(cause_alone(on_device(cut, without_sg)) == "no-scatter-gather");
    CHECK(cause_alone(group({"__pskb_pull_tail", "skb_segment", "tcp_gso_segment"})) == "no-checksum-offload");
}

TEST_CASE("cause: a device without scatter-gather") {
    CHECK(cause_alone(on_device(group({"skb_segment", "tcp_gso_segment"}), without_sg)) == "no-scatter-gather");
    CHECK(cause_alone(on_device(group({"__pskb_pull_tail", "validate_xmit_skb"}), without_sg)) == "no-scatter-gather");
    // A device without scatter-gather computes no checksums either; the first is the cause.
    CHECK(cause_alone(on_device(group({"__pskb_pull_tail", "skb_checksum_help"}), without_sg)) == "no-scatter-gather");
}

TEST_CASE("cause: the probe sees skb_segment only without scatter-gather, so the device may be unknown") {
    const auto nameless = [](model::DeviceFacts& device) { device.name.clear(); };
    CHECK(cause_alone(on_device(group({"skb_segment", "tcp_gso_segment"}), nameless)) == "no-scatter-gather");
    CHECK(cause_alone(on_device(group({"__pskb_pull_tail", "somebody"}), nameless)) == "unclassified");
    CHECK(cause_alone(group({"skb_segment", "tcp_gso_segment"})) == "unclassified");
}

TEST_CASE("cause: a checksum in software on a device that gathers") {
    CHECK(cause_alone(group({"__pskb_pull_tail", "__skb_linearize", "skb_checksum_help", "validate_xmit_skb"})) ==
          "no-checksum-offload");
    CHECK(cause_alone(group({"__pskb_pull_tail", "__skb_linearize", "skb_segment"})) == "no-checksum-offload");
    CHECK(cause_alone(group({"skb_copy", "skb_checksum_help"})) == "unclassified");
}

TEST_CASE("cause: a stack that no rule knows is not classified") {
    CHECK(cause_alone(group({"skb_copy_ubufs", "somebody_new", "ip_local_deliver_finish"})) == "unclassified");
    CHECK(cause_alone(group({"skb_copy_ubufs"})) == "unclassified");
    CHECK(cause_alone(group({"__pskb_pull_tail", "somebody_new"})) == "unclassified");
    CHECK(cause_alone(group({"skb_copy", "somebody_new"})) == "unclassified");
    CHECK(cause_alone(group({})) == "unclassified");
}

TEST_CASE("findings: local delivery with everything a reader needs") {
    const Finding finding = only_finding(test::delivered_capture());
    CHECK(finding.cause == "local-delivery");
    CHECK(finding.bytes == Count(payload));
    CHECK(finding.calls == calls);
    CHECK(finding.share == 1.0);
    CHECK_FALSE(finding.silent);
    CHECK(finding.device == "client0 (veth)");
    CHECK(finding.who == "");
    CHECK(finding.sentence == cause("local-delivery").meaning);
    CHECK(finding.remedy == cause("local-delivery").remedy);
    CHECK(finding.stack == test::delivered_capture().late_copies[0].stack);
}

TEST_CASE("findings: a packet tap is named with its owner") {
    const auto explained = explain_all(test::tapped_capture());
    CHECK(causes_in(explained) == Names{"local-delivery", "packet-tap"});  // the same bytes: in the capture's order
    const Finding& finding = explained.findings[1];
    CHECK(finding.who == "tcpdump (pid 4711)");
    CHECK(finding.sentence == cause("packet-tap").meaning);
    CHECK(finding.device == "server0 (veth)");
    CHECK_FALSE(finding.silent);
}

TEST_CASE("findings: the report names device and owner once") {
    const auto text = report::render_terminal(explain::build_report(test::tapped_capture()), {120, false, true});
    const auto why = text.substr(text.find("\nWhy"), text.find("\nTry") - text.find("\nWhy"));
    for (const std::string name : {"server0", "client0", "tcpdump"}) {
        const auto first = why.find(name);
        CHECK_MESSAGE(first != std::string::npos, name);
        CHECK_MESSAGE(why.find(name, first + 1) == std::string::npos, why);
    }
}

TEST_CASE("findings: the owners of taps") {
    CHECK(who_taps({}) == "a packet socket that was not found");
    CHECK(who_taps({tap("88cc", 3, "lldpd")}) == "a packet socket that was not found");
    CHECK(who_taps({tap("all", 0, "", 123)}) == "an unseen process (socket 123)");
    CHECK(who_taps({tap("all", 5, "a"), tap("88cc", 3, "lldpd"), tap("all", 5, "a"), tap("all", 6, "b")}) ==
          "a (pid 5), b (pid 6)");
}

TEST_CASE("findings: a tap is named for what is copied in its own namespace only") {
    const auto sender = tap("all", 5, "a", 7, "server");
    const auto receiver = tap("all", 6, "b", 8, "client");
    const auto stranger = tap("all", 7, "c", 9, "host");
    CHECK(who_taps({sender, receiver, stranger}) == "a (pid 5)");
    CHECK(who_taps({receiver, stranger}) == "a packet socket that was not found");

    Capture arriving = test::delivered_capture();
    arriving.late_copies = {late_copy({"skb_copy_ubufs", "__netif_receive_skb_core"}, payload)};
    CHECK(who_taps({sender, receiver, stranger}, "packet-tap-on-arrival", arriving) == "b (pid 6)");
    // Over lo both ends are in one namespace, which is the server's.
    arriving.spec.path = model::Path::lo;
    CHECK(who_taps({sender}, "packet-tap-on-arrival", arriving) == "a (pid 5)");
    // A probe on functions does not see the way a packet goes, but its call stack does.
    Capture leaving = test::tapped_capture();
    for (auto& copy : leaving.late_copies) {
        copy.direction = Direction::unknown;
    }
    CHECK(who_taps({sender, receiver}, "packet-tap", leaving) == "a (pid 5)");
}

TEST_CASE("findings: a tap on arrival gets the packet itself, and local delivery nothing more to copy") {
    Capture capture = test::delivered_capture();
    capture.taps = {tap("all", 6, "b", 8, "client")};
    capture.late_copies = {late_copy({"skb_copy_ubufs", "__netif_receive_skb_core"}, payload)};
    const Finding finding = only_finding(capture);
    CHECK(finding.cause == "packet-tap-on-arrival");
    CHECK(finding.remedy == cause("packet-tap-on-arrival").remedy);
    CHECK(explain_all(capture).ledger.unexplained_bytes == Count(0));
    capture.taps = {tap("88cc", 3, "lldpd", 8, "client")};
    CHECK(only_finding(capture).cause == "local-delivery");
}

TEST_CASE("findings: the largest comes first, and groups of one cause are one finding") {
    Capture capture = test::delivered_capture();
    const auto out = Direction::transmit;
    capture.devices[0].scatter_gather = false;
    capture.late_copies = {late_copy({"skb_copy_ubufs", "somebody"}, 500),
                           late_copy({"__pskb_pull_tail", "__skb_linearize"}, 400, test::sender_key, out),
                           late_copy({"skb_segment", "tcp_gso_segment"}, 700, test::sender_key, out)};
    const auto explained = explain_all(capture);
    CHECK(causes_in(explained) == Names{"no-scatter-gather", "unclassified"});
    const Finding& first = explained.findings[0];
    CHECK(first.bytes == Count(1100));
    CHECK(first.calls == 2 * calls);
    CHECK(first.share == doctest::Approx(1100.0 / double(payload)));
    CHECK(first.silent);                                            // a part of it is
    CHECK(first.stack == Names{"skb_segment", "tcp_gso_segment"});  // of the larger group
    CHECK(first.device == "server0 (veth)");
    CHECK(first.remedy.find("ethtool -K server0 sg on tso on") != std::string::npos);
    CHECK_FALSE(explained.findings[1].silent);
}

TEST_CASE("findings: the evidence has every copy's function, bytes, device and whole stack") {
    const auto explained = explain_all(test::tapped_capture());
    REQUIRE(explained.findings.size() > 1);
    for (const Finding& finding : explained.findings) {
        CAPTURE(finding.cause);
        CHECK(finding.evidence_wanted == cause(finding.cause).evidence);
        REQUIRE(finding.evidence.size() == 2);
        CHECK(finding.evidence[0].find(format_count(finding.bytes.value()) + " B in " + format_count(finding.calls) +
                                       " copies by " + finding.stack[0]) == 0);
        CHECK(finding.evidence[0].find("scatter-gather on, checksums on") != std::string::npos);
        CHECK(finding.evidence[1] == "stack: " + join(finding.stack, " <- "));
    }
}

TEST_CASE("findings: a sum outweighs the single group that was largest") {
    Capture capture = test::delivered_capture();
    capture.late_copies = {late_copy({"skb_copy_ubufs", "somebody"}, 500),
                           late_copy({"skb_copy_ubufs", "ip_local_deliver_finish"}, 300),
                           late_copy({"skb_copy_ubufs", "ip6_input_finish"}, 300)};
    CHECK(causes_in(explain_all(capture)) == Names{"local-delivery", "unclassified"});
}

TEST_CASE("findings: late copies stand in the ledger between sending and arrival") {
    CHECK(accounts_in(explain_all(test::tapped_capture())) ==
          Names{"sent.pinned", "late.local-delivery", "late.packet-tap", "received.copied"});
    Capture leaving = test::uncopied_capture();
    leaving.late_copies = {late_copy({"skb_copy_ubufs", "dev_queue_xmit_nit"}, 10)};
    CHECK(accounts_in(explain_all(leaving)) ==
          Names{"sent.pinned", "late.packet-tap", "left.uncopied", "received.copied"});
}

TEST_CASE("findings: a device is spelled as far as it is known") {
    Capture capture = test::delivered_capture();
    capture.devices[1].name = "lo";
    capture.devices[1].kind = "loopback";
    CHECK(only_finding(capture).device == "lo (loopback)");
    capture.devices[1].kind = "lo";
    CHECK(only_finding(capture).device == "lo");
    capture.devices[1].kind = "";
    CHECK(only_finding(capture).device == "lo");
    capture.devices.clear();
    CHECK(only_finding(capture).device == "");
    CHECK(only_finding(capture).sentence == cause("local-delivery").meaning);
}

TEST_CASE("findings: a zero-copy flag that was ignored") {
    Capture capture = test::empty_capture(model::CopyMode::zerocopy);
    capture.sockets[0].sites[Site::send_not_opted_in] = {calls, payload};
    const Finding finding = only_finding(capture);
    CHECK(finding.cause == "not-opted-in");
    CHECK(finding.bytes == Count(payload));
    CHECK(finding.calls == calls);
    CHECK(finding.share == 1.0);
    CHECK(finding.silent);
    CHECK(finding.sentence == cause("not-opted-in").meaning);
    CHECK(finding.remedy == cause("not-opted-in").remedy);
}

TEST_CASE("findings: a route that made the call copy at once tells the program") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].sites[Site::send_route_without_sg] = {2, payload + 1};
    const auto explained = explain_all(capture);
    CHECK(causes_in(explained) == Names{"route-without-scatter-gather", "local-delivery"});
    CHECK_FALSE(explained.findings[0].silent);
    CHECK(explained.findings[0].calls == 2);
}

TEST_CASE("findings: a call that opened the connection is told of the copy, unless only the first packet got one") {
    for (const Site site : {Site::send_fast_open, Site::send_in_syn}) {
        CAPTURE(to_string(site));
        Capture capture = test::delivered_capture();
        capture.sockets[0].sites[site] = {1, 1420};
        const auto explained = explain_all(capture);
        CHECK(causes_in(explained) == Names{"local-delivery", "fast-open"});
        CHECK(explained.findings[1].silent == (site == Site::send_in_syn));
        CHECK(explained.findings[1].calls == 1);
        CHECK(explained.findings[1].bytes == Count(1420));
    }
}

TEST_CASE("findings: there is none where nothing went wrong") {
    CHECK(explain_all(test::uncopied_capture()).findings.empty());
    CHECK(explain_all(test::copying_capture(model::CopyMode::one_copy)).findings.empty());
}

TEST_CASE("causes: the table that is built in") {
    std::set<std::string> ids;
    for (const auto& row : explain::causes()) {
        ids.insert(row.id);
        CHECK_MESSAGE(!row.meaning.ends_with("."), row.id << ": a meaning becomes a part of a sentence");
    }
    CHECK(ids.size() == explain::causes().size());
    for (const char* id : {"local-delivery", "packet-tap", "no-scatter-gather", "no-checksum-offload", "not-opted-in",
                           "route-without-scatter-gather", "unclassified", "packet-tap-on-arrival"}) {
        CHECK_MESSAGE(ids.contains(id), id);
        CHECK(cause(id).id == id);
    }
    CHECK_THROWS_AS(cause("no-such-cause"), std::logic_error);
}

TEST_CASE("causes: every text of a row is read into its own member") {
    const auto rows = parse_causes(table());
    REQUIRE(rows.has_value());
    REQUIRE(rows->size() == 1);
    const auto& row = rows->front();
    CHECK(row.id == "the id");
    CHECK(row.group == "the class");
    CHECK(row.title == "the title");
    CHECK(row.meaning == "the meaning");
    CHECK(row.kernel == "the kernel");
    CHECK(row.versions == "the versions");
    CHECK(row.program_sees == "the program_sees");
    CHECK(row.evidence == "the evidence");
    CHECK(row.remedy == "the remedy");
    CHECK(row.provoke == "the provoke");
}

TEST_CASE("causes: a rule with a condition that nobody knows is refused") {
    const auto with_rule = [](const nlohmann::json& rule) {
        return complaint(table([&](auto& row) { row["rules"] = {rule}; }));
    };
    CHECK(with_rule({{"functoin", {"skb_copy"}}}) ==
          "cause the id of the table: a rule has no condition \"functoin\" with the value [\"skb_copy\"]");
    CHECK(with_rule({{"function", "skb_copy"}}) ==
          "cause the id of the table: a rule has no condition \"function\" with the value \"skb_copy\"");
    CHECK(with_rule(nlohmann::json::object()) == "cause the id of the table: a rule is not an object with conditions");
}

TEST_CASE("causes: an unknown cause names the nearest") {
    CHECK(explain::find_cause("memlock").value()->id == "memlock");
    const auto unknown = explain::find_cause("packet-tab");
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().code == ExitCode::usage);
    CHECK(unknown.error().advice == "netio-trace explain packet-tap");
}

Capture refused_capture(std::int32_t error, std::uint64_t option_memory) {
    Capture capture = test::delivered_capture();
    capture.sockets[0].send_errors[error] = 3;
    capture.sockets[0].option_memory_bytes = option_memory;
    capture.environment.limits["server: net.core.optmem_max"] = "4096";
    capture.environment.limits["server: RLIMIT_MEMLOCK"] = "65536";
    capture.environment.limits["server: CAP_IPC_LOCK"] = "no";
    return capture;
}

TEST_CASE("refusals: two limits give one errno, and what was used of the first tells them apart") {
    CHECK(causes_in(explain_all(refused_capture(105, 3521))) == Names{"local-delivery", "optmem-max"});
    CHECK(causes_in(explain_all(refused_capture(105, 3520))) == Names{"local-delivery", "memlock"});
    Capture exempt = refused_capture(105, 100);
    exempt.environment.limits["server: CAP_IPC_LOCK"] = "yes";
    CHECK(causes_in(explain_all(exempt)) == Names{"local-delivery", "unclassified"});
    exempt.environment.limits.clear();
    CHECK(causes_in(explain_all(exempt)) == Names{"local-delivery", "unclassified"});
    const auto finding = explain_all(refused_capture(105, 3521)).findings[1];
    CHECK(finding.calls == 3);
    CHECK_FALSE(finding.bytes.measured());
    CHECK(finding.who == "net.core.optmem_max 4096 B, 3521 B in use when a call was refused");
    REQUIRE(finding.evidence.size() == 2);
    CHECK(finding.evidence[0].starts_with("No buffer space available (ENOBUFS): 3 calls of "));
    CHECK(finding.evidence[1] == finding.who);
}

TEST_CASE("refusals: the option memory of kernels before 6.9 is small, unless it was made larger") {
    model::Environment environment;
    CHECK_FALSE(explain::has_small_option_memory(environment));  // not known
    environment.limits["net.core.optmem_max"] = "20480";
    CHECK(explain::has_small_option_memory(environment));
    environment.limits["net.core.optmem_max"] = "20481";
    CHECK_FALSE(explain::has_small_option_memory(environment));
    environment.limits["server: net.core.optmem_max"] = "4096";  // of the sender's namespace
    CHECK(explain::has_small_option_memory(environment));
}

TEST_CASE("refusals: no room and a signal are nobody's refusal, another errno is not known") {
    CHECK(causes_in(explain_all(refused_capture(11, 0))) == Names{"local-delivery"});
    CHECK(causes_in(explain_all(refused_capture(4, 0))) == Names{"local-delivery"});
    CHECK(causes_in(explain_all(refused_capture(14, 0))) == Names{"local-delivery", "unpinnable-memory"});
    CHECK(causes_in(explain_all(refused_capture(1, 0))) == Names{"local-delivery", "unclassified"});
}

TEST_CASE("refusals: a socket that speaks Multipath TCP copies in zero-copy mode") {
    Capture capture = test::empty_capture(model::CopyMode::zerocopy);
    capture.sockets[0].sites[Site::send_copied] = {calls, payload};
    CHECK(causes_in(explain_all(capture)).empty());
    capture.sockets[0].protocol = "mptcp";
    const Finding finding = only_finding(capture);
    CHECK(finding.cause == "mptcp");
    CHECK(finding.bytes == Count(payload));
    REQUIRE(finding.evidence.size() == 1);
    CHECK(finding.evidence[0].find("(mptcp): 23 calls, 94 139 B") != std::string::npos);
    CHECK(finding.silent);
    capture.sockets[0].sites = {{Site::send_not_opted_in, {calls, payload}}};  // as calls are seen before Linux 6.16
    CHECK(only_finding(capture).cause == "mptcp");
    CHECK(only_finding(capture).bytes == Count(payload));
}

Capture encrypting_capture() {
    Capture capture = test::empty_capture(model::CopyMode::zerocopy);
    for (auto& socket : capture.sockets) {
        socket.protocol = "tls";
    }
    capture.sockets[0].send_errors[95] = calls;
    capture.sockets[0].sites[Site::send_copied] = {calls, payload};
    capture.sockets[1].sites = {{Site::receive_returned, {29, payload}}};
    return capture;
}

TEST_CASE("refusals: a socket with TLS in the kernel refuses, and ordinary calls are encrypted") {
    const Finding finding = only_finding(encrypting_capture());
    CHECK(finding.cause == "ktls");
    CHECK(finding.calls == calls);
    CHECK(finding.bytes == Count(payload));
    CHECK(finding.share == 1);
    CHECK_FALSE(finding.silent);  // the program has the errno
    REQUIRE(finding.evidence.size() == 1);
    CHECK(finding.evidence[0].starts_with("Operation not supported (EOPNOTSUPP): 23 calls of "));
    CHECK(finding.evidence[0].ends_with(" (tls)"));
    Capture plain = encrypting_capture();
    plain.sockets[0].protocol = "tcp";  // the same errno without its reason
    CHECK(only_finding(plain).cause == "unclassified");
    plain = encrypting_capture();
    plain.sockets[0].send_errors.clear();  // nothing was asked for that it refuses
    CHECK(explain_all(plain).findings.empty());
}

TEST_CASE("refusals: what a socket in a BPF map sends is copied by the map, and may be taken for user pages") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].protocol = "sockmap";
    capture.sockets[0].sites.erase(Site::send_pinned);
    capture.sockets[0].sites[Site::send_copied] = {calls, payload};
    const auto explained = explain_all(capture);
    CHECK(causes_in(explained) == Names{"local-delivery", "sockmap"});
    CHECK(explained.findings[1].bytes == Count(payload));
    CHECK(explained.findings[1].silent);
    CHECK(explained.ledger.unexplained_bytes == Count(0));
    const auto report = explain::build_report(capture);
    CHECK(report.ledger.copies_per_byte == model::Figure<double>(3));
    CHECK(report.witnesses.recorded_calls.reason().starts_with("sockmap hands pieces of its own to TCP"));
    CHECK(report.witnesses.told_calls == Count(calls));
    CHECK(report.verdict.starts_with("No byte was sent zero-copy: a BPF program gets what the socket sends."));
}

TEST_CASE("causes: a table that is none is refused") {
    const std::string refusal = "the table of causes cannot be read: it is not an object with an array \"causes\"";
    for (const char* text : {"", "{", "[]", "null", "{}", R"({"causes": {}})", R"({"causes": "x"})"}) {
        CHECK_MESSAGE(complaint(text) == refusal, text);
    }
}

TEST_CASE("causes: a row that lacks a text is named with its number and key") {
    CHECK(complaint(table([](auto& row) { row.erase("remedy"); })) == "cause 1 of the table has no text \"remedy\"");
    CHECK(complaint(table([](auto& row) { row["class"] = 3; })) == "cause 1 of the table has no text \"class\"");
    CHECK(complaint(R"({"causes": ["local-delivery"]})") == "cause 1 of the table has no text \"id\"");
    auto second = nlohmann::json::parse(table());
    second["causes"].push_back({{"id", "x"}});
    CHECK(complaint(second.dump()) == "cause 2 of the table has no text \"class\"");
}

TEST_CASE("causes: the page leads from what a program sees to every cause, and to none that does not exist") {
    const std::string page = explain::causes_page();
    const auto begin = page.find("| what the program sees");
    const std::string table = page.substr(begin, page.find("\n\n", begin) - begin);
    for (const auto& row : explain::causes()) {
        const bool found = std::regex_search(table, std::regex("[ ,|]" + row.id + "[ ,;]"));
        CHECK_MESSAGE(found == (row.group != "-"), row.id);
    }
}

TEST_CASE("causes: docs/causes.md is what causes.json generates") {
    test::check_golden("../../docs/causes.md", explain::causes_page());
}
