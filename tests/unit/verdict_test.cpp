// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "capture_fixture.h"
#include "explain/explain.h"

namespace {

using namespace netio;
using explain::build_report;
using model::Capture;
using model::CopyMode;
using model::Direction;
using model::Site;
using model::Witnesses;
using test::calls;
using test::late_copy;
using test::payload;

using Names = std::vector<std::string>;
using Count = model::Figure<std::uint64_t>;

Witnesses witnesses_of(const Capture& capture) {
    return build_report(capture).witnesses;
}

std::string verdict_of(const Capture& capture) {
    return build_report(capture).verdict;
}

std::string not_attached(const std::string& probe) {
    return "probe " + probe + " could not be attached: " + test::refusal;
}

void complete(Capture& capture, std::uint64_t copied_calls, std::uint64_t copied_bytes) {
    auto& sites = capture.sockets[0].sites;
    sites[Site::completed_copied] = {copied_calls, copied_bytes};
    sites[Site::completed_zerocopy] = {calls - copied_calls, payload - copied_bytes};
}

// Software segmentation over a device that cannot gather; the program is told "zero-copy".
Capture segmented_capture() {
    Capture capture = test::uncopied_capture();
    auto& sites = capture.sockets[0].sites;
    sites.erase(Site::transmit_zerocopy);
    sites[Site::transmit_linear] = {31, payload};
    capture.devices[0].scatter_gather = false;
    capture.late_copies = {
        late_copy({"skb_segment", "tcp_gso_segment"}, payload, test::sender_key, Direction::transmit)};
    return capture;
}

Capture ignored_capture() {
    Capture capture = test::empty_capture(CopyMode::zerocopy);
    capture.sockets[0].sites[Site::send_not_opted_in] = {calls, payload};
    return capture;
}

Capture tapped_on_the_way_out() {
    Capture capture = test::uncopied_capture();
    capture.late_copies = {
        late_copy({"skb_copy_ubufs", "dev_queue_xmit_nit"}, payload, test::sender_key, Direction::transmit)};
    complete(capture, calls, payload);
    capture.server.connections[0].error_queue = {3, 0, calls};
    return capture;
}

// What --tier none leaves: the word of the program at either end.
Capture untraced(CopyMode mode) {
    Capture capture = mode == CopyMode::zerocopy ? test::delivered_capture() : test::copying_capture(mode);
    capture.spec.tier = model::Tier::none;
    capture.probes.clear();
    capture.sockets.clear();
    capture.devices.clear();
    capture.late_copies.clear();
    return capture;
}

}  // namespace

TEST_CASE("witnesses: all three say the same") {
    const Witnesses heard = witnesses_of(test::delivered_capture());
    CHECK(heard.told_calls == Count(calls));
    CHECK(heard.told_copied_calls == Count(calls));
    CHECK(heard.recorded_calls == Count(calls));
    CHECK(heard.recorded_copied_calls == Count(calls));
    CHECK(heard.recorded_copied_bytes == Count(payload));
    CHECK(heard.moved_flagged_bytes == Count(payload));
    CHECK(heard.moved_silent_bytes == Count(0));
    CHECK(heard.moved_clone_bytes == Count(0));
    CHECK(heard.agree);
    CHECK(heard.sentences == Names{"they agree"});
    CHECK(witnesses_of(test::uncopied_capture()).agree);
}

TEST_CASE("witnesses: merged notifications hide copies") {
    Capture capture = test::delivered_capture();
    complete(capture, 10, 40'930);
    capture.late_copies[0].bytes = 40'930;
    capture.server.connections[0].error_queue = {1, calls, 0};
    const Witnesses heard = witnesses_of(capture);
    CHECK(heard.told_copied_calls == Count(0));
    CHECK(heard.recorded_copied_calls == Count(10));
    CHECK_FALSE(heard.agree);
    CHECK(heard.sentences ==
          Names{"the error queue is wrong: it says 0 sends were copied, the kernel's record says 10; "
                "the kernel merges notifications that wait to be read and keeps the flag of the "
                "first one only"});
}

TEST_CASE("witnesses: notifications that nobody read") {
    Capture capture = test::uncopied_capture();
    capture.server.connections[0].error_queue = {2, 20, 0};
    CHECK(witnesses_of(capture).sentences ==
          Names{"the error queue told of 20 sends, the kernel completed 23: notifications were not read"});
    CHECK_FALSE(witnesses_of(capture).agree);
}

TEST_CASE("witnesses: unresolved completions count as completed calls") {
    Capture capture = test::uncopied_capture();
    capture.sockets[0].sites[Site::completed_zerocopy] = {20, payload};
    capture.sockets[0].sites[Site::completed_unresolved] = {3, 0};
    CHECK(witnesses_of(capture).recorded_calls == Count(calls));
}

TEST_CASE("witnesses: silent copies contradict what the program was told") {
    const Witnesses heard = witnesses_of(segmented_capture());
    CHECK(heard.moved_silent_bytes == Count(payload));
    CHECK(heard.moved_flagged_bytes == Count(0));
    CHECK_FALSE(heard.agree);
    CHECK(heard.sentences ==
          Names{"told \"zero-copy\", but copied: 94.1 kB were copied silently, by functions that clear no flag"});
}

TEST_CASE("witnesses: one copied byte flags every send of its range") {
    Capture capture = segmented_capture();
    capture.late_copies.push_back(
        late_copy({"__pskb_pull_tail", "__skb_linearize"}, 13, test::sender_key, Direction::transmit));
    complete(capture, 2, 8'186);
    capture.server.connections[0].error_queue = {3, calls - 2, 2};
    const Names sentences = witnesses_of(capture).sentences;
    REQUIRE(sentences.size() == 2);
    CHECK(sentences[1] ==
          "8.19 kB count as copied in the record, yet 13 B were copied by flagging functions: one "
          "copied byte flags every send of its range");
}

TEST_CASE("witnesses: a tap's clone makes the program hear \"copied\" for what left in user pages") {
    const Witnesses heard = witnesses_of(tapped_on_the_way_out());
    CHECK(heard.moved_clone_bytes == Count(payload));
    CHECK(heard.moved_flagged_bytes == Count(0));
    CHECK_FALSE(heard.agree);
    CHECK(heard.sentences == Names{"94.1 kB were copied for somebody else's clone of the packets; told \"copied\", "
                                   "but sent from user pages"});
}

TEST_CASE("witnesses: beside other copies a clone is only mentioned") {
    CHECK(witnesses_of(test::tapped_capture()).sentences ==
          Names{"they agree; 94.1 kB were copied besides, for somebody else's clone of the packets"});
    CHECK(witnesses_of(test::tapped_capture()).agree);
}

TEST_CASE("witnesses: bytes that were sent again are copied again, which contradicts nothing") {
    Capture capture = test::delivered_capture();
    capture.late_copies[0].bytes += 4'093;
    CHECK(witnesses_of(capture).sentences ==
          Names{"4.09 kB more were copied by flagging functions than the record calls copied"});
    CHECK_FALSE(witnesses_of(capture).agree);
    capture.sockets[0].sites[Site::retransmitted] = {1, 4'092};  // explains all but one byte
    CHECK_FALSE(witnesses_of(capture).agree);
    capture.sockets[0].sites[Site::retransmitted] = {1, 4'093};
    CHECK(witnesses_of(capture).sentences == Names{"they agree; 4.09 kB were retransmitted and copied again"});
    CHECK(witnesses_of(capture).agree);
}

TEST_CASE("witnesses: what cannot be heard is missing, and the others alone do not agree") {
    Capture capture = test::delivered_capture();
    test::take_away(capture, "completion");
    const Witnesses no_record = witnesses_of(capture);
    CHECK(no_record.recorded_calls == Count::missing(not_attached("completion")));
    CHECK(no_record.recorded_copied_calls == Count::missing(not_attached("completion")));
    CHECK(no_record.recorded_copied_bytes == Count::missing(not_attached("completion")));
    CHECK_FALSE(no_record.agree);
    CHECK(no_record.sentences == Names{"not every witness could be heard on this kernel"});

    capture = segmented_capture();
    test::take_away(capture, "late-copy");
    complete(capture, 2, 8'186);
    capture.server.connections[0].error_queue = {3, calls - 2, 2};
    const Witnesses no_bytes = witnesses_of(capture);
    CHECK(no_bytes.moved_flagged_bytes == Count::missing(not_attached("late-copy")));
    CHECK(no_bytes.moved_clone_bytes == Count::missing(not_attached("late-copy")));
    CHECK_FALSE(no_bytes.agree);
    CHECK(no_bytes.sentences.size() == 1);  // of the silent copies: that one is known

    capture = test::delivered_capture();
    test::take_away(capture, "linearise");
    CHECK(witnesses_of(capture).moved_silent_bytes == Count::missing(not_attached("linearise")));
    CHECK(witnesses_of(capture).sentences == Names{"not every witness could be heard on this kernel"});
}

TEST_CASE("witnesses: a mode without zero-copy has nothing to tell") {
    const Witnesses heard = witnesses_of(test::copying_capture(CopyMode::one_copy));
    CHECK(heard.told_calls == Count::missing("no zero-copy call was made"));
    CHECK(heard.told_copied_calls == Count::missing("no zero-copy call was made"));
    CHECK(heard.recorded_calls == Count::missing("no zero-copy call was made"));
    CHECK(heard.moved_flagged_bytes == Count(0));
    CHECK_FALSE(heard.agree);
    CHECK(heard.sentences.empty());
}

TEST_CASE("verdict: zero-copy that worked, or did not") {
    CHECK(verdict_of(test::uncopied_capture()) ==
          "Zero-copy worked: no byte was copied between the program and the device.");
    CHECK(verdict_of(test::delivered_capture()) ==
          "All 23 zero-copy sends were copied after all: the receiver is on this machine. Zero-copy saved nothing on "
          "them, for their pages were pinned and then copied as well.");
    CHECK(verdict_of(test::tapped_capture()) ==
          "All 23 zero-copy sends were copied after all: the receiver is on this machine. Zero-copy saved nothing on "
          "them, for their pages were pinned and then copied as well. A packet tap had them copied once more.");
    CHECK(verdict_of(tapped_on_the_way_out()) ==
          "The packets carried user pages to the device, but 94.1 kB were copied for a packet tap.");
}

TEST_CASE("verdict: whoever had a clone copied is named, and is not why the packets were") {
    Capture stamped = tapped_on_the_way_out();
    stamped.late_copies[0].stack = {"skb_copy_ubufs", "__skb_tstamp_tx", "veth_xmit"};
    CHECK(verdict_of(stamped) ==
          "The packets carried user pages to the device, but 94.1 kB were copied for a transmit time stamp.");
    Capture both = test::tapped_capture();
    both.late_copies.push_back(stamped.late_copies[0]);
    CHECK(verdict_of(both) ==
          "All 23 zero-copy sends were copied after all: the receiver is on this machine. Zero-copy saved nothing on "
          "them, for their pages were pinned and then copied as well. A packet tap and a transmit time stamp had them "
          "copied once more.");
}

TEST_CASE("verdict: a name keeps its capitals, and a refused call is not why others were copied") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].send_errors[EFAULT] = 3;
    capture.late_copies[0].stack = {"__pskb_pull_tail", "skb_checksum_help", "xfrm_output"};
    CHECK(verdict_of(capture) ==
          "All 23 zero-copy sends were copied after all: IPsec encrypts into new memory. Zero-copy saved nothing on "
          "them, for their pages were pinned and then copied as well.");
}

TEST_CASE("verdict: a part of the zero-copy bytes") {
    Capture capture = test::delivered_capture();
    capture.late_copies[0].bytes = payload / 4;
    CHECK(
        verdict_of(capture) ==
        "25.0 % of the zero-copy bytes were copied after all: the receiver is on this machine. Zero-copy saved nothing "
        "on them, for their pages were pinned and then copied as well.");
    capture.late_copies[0].stack = {"skb_copy_ubufs", "somebody_new"};  // no rule knows why
    CHECK(verdict_of(capture) ==
          "25.0 % of the zero-copy bytes were copied after all. Zero-copy saved nothing on them, for their pages were "
          "pinned and then copied as well.");
}

TEST_CASE("verdict: silent copies, with what the program was told") {
    CHECK(verdict_of(segmented_capture()) ==
          "All 23 zero-copy sends were copied before the device, silently: the device takes no scatter-gather. The "
          "program was told \"copied\" for 0 of 23 sends. Zero-copy saved nothing on them.");
}

TEST_CASE("verdict: zero-copy that never began") {
    CHECK(verdict_of(ignored_capture()) ==
          "MSG_ZEROCOPY was ignored: the socket never set SO_ZEROCOPY, so every byte was copied as by any send. End to "
          "end each payload byte was copied 2.00 times.");
    Capture capture = test::copying_capture(CopyMode::zerocopy);
    CHECK(verdict_of(capture) == "No byte was sent zero-copy. End to end each payload byte was copied 2.00 times.");
    capture.sockets[0].protocol = "mptcp";
    CHECK(verdict_of(capture) ==
          "No byte was sent zero-copy: the socket speaks Multipath TCP. End to end each payload byte was copied 2.00 "
          "times.");
}

TEST_CASE("verdict: the copying modes") {
    CHECK(verdict_of(test::copying_capture(CopyMode::one_copy)) ==
          "Every byte was copied into the kernel and out of it, as this mode promises. End to end each payload byte "
          "was copied 2.00 times.");
    CHECK(verdict_of(test::copying_capture(CopyMode::two_copy)) ==
          "Every byte was copied in the program, into the kernel and out of it, as this mode promises. End to end each "
          "payload byte was copied 3.00 times.");
    Capture again = test::copying_capture(CopyMode::one_copy);
    again.late_copies = {late_copy({"skb_segment", "tcp_gso_segment"}, payload / 2)};
    again.late_copies[0].user_pages = false;
    CHECK(verdict_of(again) ==
          "Every byte was copied into the kernel and out of it, and 47.1 kB once more inside the kernel. End to end "
          "each payload byte was copied 2.50 times.");
}

TEST_CASE("verdict: what was not measured is not concluded from") {
    Capture capture = test::delivered_capture();
    test::take_away(capture, "late-copy");
    capture.late_copies.clear();
    CHECK(verdict_of(capture) ==
          "Whether the zero-copy sends were copied after all could not be seen: " + not_attached("late-copy") + ".");
    capture = test::delivered_capture();
    test::take_away(capture, "send-call");
    capture.sockets[0].sites.clear();
    CHECK(verdict_of(capture).find(not_attached("send-call")) != std::string::npos);
    CHECK(verdict_of(capture).find("No byte") == std::string::npos);
    capture = test::uncopied_capture();
    test::take_away(capture, "linearise");
    CHECK(verdict_of(capture).find(not_attached("linearise")) != std::string::npos);
    CHECK(verdict_of(capture).find("worked") == std::string::npos);
}

TEST_CASE("verdict: nothing sent") {
    Capture capture = test::empty_capture(CopyMode::zerocopy);
    capture.server.connections.clear();
    CHECK(verdict_of(capture) == "Nothing was sent.");
}

TEST_CASE("report: copies per byte end to end, or why there is no such figure") {
    CHECK(build_report(test::uncopied_capture()).ledger.copies_per_byte.value() == 1.0);
    CHECK(build_report(test::delivered_capture()).ledger.copies_per_byte.value() == 2.0);
    CHECK(build_report(test::tapped_capture()).ledger.copies_per_byte.value() == 3.0);
    for (const char* probe : {"late-copy", "linearise", "receive-call", "send-call"}) {
        Capture capture = test::copying_capture(CopyMode::one_copy);
        test::take_away(capture, probe);
        CHECK_MESSAGE(build_report(capture).ledger.copies_per_byte.reason() == not_attached(probe), probe);
    }
}

TEST_CASE("report: complete, unless a required fact is missing or does not fit") {
    CHECK(build_report(test::delivered_capture()).complete);
    const std::vector<std::function<void(Capture&)>> flaws{
        [](Capture& c) { test::take_away(c, "linearise"); },
        [](Capture& c) { c.interrupted = "Ctrl-C"; },
        [](Capture& c) { c.untracked_sockets = 1; },
        [](Capture& c) { c.server.failure = "it died"; },
        [](Capture& c) { c.client.failure = "it died"; },
        [](Capture& c) { c.late_copies[0].bytes -= 1; },
        [](Capture& c) {
            c.sockets[0].sites[Site::completed_unresolved] = {1, 0};
        },
    };
    for (std::size_t i = 0; i < flaws.size(); ++i) {
        Capture capture = test::delivered_capture();
        flaws[i](capture);
        CHECK_MESSAGE(!build_report(capture).complete, "flaw " << i);
    }
    for (const char* probe : {"packet-path", "retransmit"}) {
        Capture capture = test::delivered_capture();
        test::take_away(capture, probe);
        CHECK_MESSAGE(build_report(capture).complete, probe);
    }
}

TEST_CASE("report: a run that was not to be traced is complete, and claims nothing it has not seen") {
    for (const CopyMode mode : {CopyMode::zerocopy, CopyMode::two_copy}) {
        const auto report = build_report(untraced(mode));
        CHECK(report.complete);
        CHECK(report.warnings.empty());
        CHECK(report.witnesses.sentences.empty());
        CHECK_FALSE(report.witnesses.agree);
        CHECK_FALSE(report.ledger.copies_per_byte.measured());
    }
    Capture short_delivery = untraced(CopyMode::zerocopy);
    short_delivery.client.connections[0].bytes -= 1;  // the ends themselves disagree
    CHECK_FALSE(build_report(short_delivery).complete);
    Capture refused = untraced(CopyMode::zerocopy);
    refused.spec.tier = model::Tier::automatic;  // asked for, and not had
    CHECK_FALSE(build_report(refused).complete);
}

TEST_CASE("verdict: without tracing only the error queue is heard") {
    CHECK(verdict_of(untraced(CopyMode::zerocopy)) ==
          "Nothing was traced, as --tier none asks, so where bytes were copied is not known. The program was told "
          "\"copied\" for 23 of 23 zero-copy sends.");
    CHECK(verdict_of(untraced(CopyMode::one_copy)) ==
          "Nothing was traced, as --tier none asks, so where bytes were copied is not known.");
}

TEST_CASE("report: where nothing could be traced, the reason comes first, and the program's word is all there is") {
    const std::string reason = "the BPF programs cannot be loaded: Operation not permitted (EPERM)";
    Capture capture = untraced(CopyMode::zerocopy);
    capture.spec.tier = model::Tier::automatic;
    for (const char* probe : {"send-call", "late-copy", "linearise", "completion", "receive-call"}) {
        capture.probes.push_back(
            {probe, "what it sees", true, model::Tier::none, "", {"every program: " + reason}, ""});
    }
    const auto report = build_report(capture);
    CHECK_FALSE(report.complete);
    REQUIRE_FALSE(report.warnings.empty());
    CHECK(report.warnings.front() == "no probe could be attached: " + reason);
    CHECK(report.verdict ==
          "The workload ran, but nothing of it could be traced, so where bytes were copied is not known. The program "
          "was told \"copied\" for 23 of 23 zero-copy sends. That is all there is to go by, and it can be wrong either "
          "way.");
    CHECK(report.witnesses.told_copied_calls == Count(calls));
    CHECK(report.witnesses.recorded_calls == Count::missing("nothing could be traced"));
    CHECK(report.witnesses.sentences == Names{"what the error queue says cannot be checked here"});
    CHECK(report.ledger.copies_per_byte.reason() == "nothing could be traced");
    CHECK(report.coverage.size() == 5);

    capture.probes[1].refused = {"kprobe/skb_copy_ubufs: no such function in this kernel"};
    CHECK(build_report(capture).warnings.front() == "no probe could be attached: the reason of each stands at the end");
    capture.probes[1].tier = model::Tier::kprobe;
    CHECK(build_report(capture).verdict.find("nothing of it could be traced") == std::string::npos);
}

TEST_CASE("report: packets that some probes missed are told, in whichever direction the books differ") {
    const auto skipped = [](const std::function<void(Capture&)>& change) {
        Capture capture = test::delivered_capture();
        change(capture);
        const auto report = build_report(capture);
        CHECK_FALSE(report.complete);
        REQUIRE_FALSE(report.warnings.empty());
        return report.warnings.front();
    };
    const std::string told =
        "4.09 kB passed some of the probes unseen: the kernel skipped tracepoint programs, or a device refused "
        "packets; run it again";
    CHECK(skipped([](Capture& c) { c.sockets[0].sites[Site::transmit_queued].bytes -= 4'093; }) == told);
    CHECK(skipped([](Capture& c) { c.sockets[0].sites[Site::transmit_queued].bytes += 4'093; }) == told);
    // Sent again, unseen by every probe of the sending side; then it is copied late once more than was sent.
    CHECK(skipped([](Capture& c) {
              c.sockets[0].sites[Site::receive_zerocopy].bytes += 4'093;
              c.late_copies[0].bytes += 4'093;
          }) == told);
    CHECK(skipped([](Capture& c) {
              c.sockets[0].sites[Site::receive_zerocopy].bytes -= 4'093;
              c.late_copies[0].bytes -= 4'093;
          }) == told);
}

TEST_CASE("report: what is amiss is warned of, each thing once") {
    CHECK(build_report(test::delivered_capture()).warnings.empty());
    Capture capture = test::delivered_capture();
    capture.lost_events = 1'234;
    capture.untracked_sockets = 2;
    capture.client.connections[0].corrupt_bytes = 5;
    capture.server.connections[0].unread_completions = 6;
    capture.late_copies[0].bytes -= 7;
    capture.server.failure = "it died";
    capture.server.zerocopy_opt_in = "refused: Operation not permitted (EPERM)";
    CHECK(build_report(capture).warnings ==
          Names{"1 234 events were lost because the ring buffer was full: call stacks may be missing, no bytes are",
                "the table of sockets was full 2 times: bytes of these are missing",
                "5 received bytes differ from what was sent", "6 zero-copy sends were never reported complete",
                "the ledger does not balance: 7 B unexplained", "server: it died",
                "SO_ZEROCOPY refused: Operation not permitted (EPERM)"});
}

TEST_CASE("report: what was not seen is listed with the reason, and a missing probe once, under its name") {
    Capture capture = test::delivered_capture();
    capture.client.delivery_missing = "no common clock";
    test::take_away(capture, "retransmit");
    test::probe_named(capture, "packet-path").limits = "not on Sundays";
    const auto report = build_report(capture);
    CHECK(report.not_seen == Names{"delivery latency: no common clock", "packet-path: not on Sundays"});
    CHECK(report.coverage == capture.probes);
    REQUIRE(report.latencies.size() == 2);
    CHECK(report.latencies[0].id == "send-call");
    CHECK(report.latencies[1].id == "completion");
}

TEST_CASE("report: facts pass through, and throughput spans both ends") {
    Capture capture = test::copying_capture(CopyMode::one_copy);
    capture.spec.threads = 3;
    capture.client.wall_ns = 2'000'000;
    const auto report = build_report(capture);
    CHECK(report.spec == capture.spec);
    CHECK(report.coverage == capture.probes);
    CHECK(report.connections == 3);
    CHECK(report.wall_ns == 2'000'000);
    CHECK(report.throughput_bits_per_second.value() == doctest::Approx(double(payload) * 8 / 0.002));
    CHECK(report.latencies.size() == 2);  // no completions in this mode
    capture.server.wall_ns = 4'000'000;
    CHECK(build_report(capture).wall_ns == 4'000'000);
    CHECK(build_report(capture).throughput_bits_per_second.value() == doctest::Approx(double(payload) * 8 / 0.004));
    capture.server.wall_ns = capture.client.wall_ns = 0;
    CHECK(build_report(capture).throughput_bits_per_second.reason() == "the measured phase took no time");
}
