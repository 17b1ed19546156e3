// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture_fixture.h"
#include "explain/explain.h"
#include "report/csv.h"
#include "report/terminal.h"

// Runs whose receiver is somebody else's process (--path remote): half of the way is not seen, and nothing is said of
// it.

namespace {

using namespace netio;
using explain::build_report;
using model::Capture;
using model::CopyMode;
using model::Report;
using test::payload;

using Names = std::vector<std::string>;
using Ratio = model::Figure<double>;
using Count = model::Figure<std::uint64_t>;

constexpr const char* unseen = "the receiver is not a part of this run";

// What is left of a capture where only the sender is known.
Capture half_of(Capture capture) {
    capture.spec.path = model::Path::remote;
    capture.client = {};
    capture.client.role = model::Role::client;
    capture.client.delivery_missing = unseen;
    capture.sockets.resize(1);
    return capture;
}

Names balances_of(const Report& report) {
    Names ids;
    for (const auto& balance : report.ledger.balances) {
        ids.push_back(balance.id);
    }
    return ids;
}

model::Account account_of(const Report& report, const std::string& id) {
    const auto& accounts = report.ledger.accounts;
    const auto found =
        std::find_if(accounts.begin(), accounts.end(), [&](const model::Account& account) { return account.id == id; });
    REQUIRE_MESSAGE(found != accounts.end(), id);
    return *found;
}

std::string page_of(const Report& report) {
    return report::render_terminal(report, {80, false, true});
}

}  // namespace

TEST_CASE("remote: the receiver's account is missing with its reason, and no balance needs it") {
    for (const Capture& capture : {half_of(test::uncopied_capture()), half_of(test::delivered_capture()),
                                   half_of(test::copying_capture(CopyMode::one_copy))}) {
        const Report report = build_report(capture);
        CHECK(report.complete);
        CHECK(report.ledger.payload_bytes == Count(payload));
        CHECK(report.ledger.unexplained_bytes == Count(0));
        const model::Account received = account_of(report, "received.copied");
        CHECK(received.bytes == Count::missing(unseen));
        CHECK(received.calls == Count::missing(unseen));
        CHECK(received.copies_per_byte == Ratio::missing(unseen));
        CHECK(report.ledger.copies_per_byte == Ratio::missing(unseen));
        for (const std::string& id : balances_of(report)) {
            CHECK(id != "delivered");
            CHECK(id != "received");
        }
    }
}

TEST_CASE("remote: a half-seen run still has to balance, and to say so") {
    Capture capture = half_of(test::uncopied_capture());
    CHECK(balances_of(build_report(capture)) == Names{"sent", "completed", "queued", "transmitted"});
    capture.sockets[0].sites[model::Site::completed_zerocopy].bytes -= 1;
    const Report report = build_report(capture);
    CHECK(report.ledger.unexplained_bytes == Count(1));
    CHECK_FALSE(report.complete);
    CHECK(report.verdict ==
          "No copying function was seen at work, but the books do not agree: whether zero-copy worked is not known.");
}

TEST_CASE("remote: the sender's copies are counted, whole runs tell both") {
    const auto copies = [](const Capture& capture) { return build_report(capture).ledger.sender_copies_per_byte; };
    CHECK(copies(half_of(test::uncopied_capture())) == Ratio(0.0));
    CHECK(copies(half_of(test::delivered_capture())) == Ratio(1.0));
    CHECK(copies(half_of(test::copying_capture(CopyMode::two_copy))) == Ratio(2.0));
    CHECK(copies(test::copying_capture(CopyMode::two_copy)) == Ratio(2.0));
    CHECK(build_report(test::copying_capture(CopyMode::two_copy)).ledger.copies_per_byte == Ratio(3.0));
    Capture blind = half_of(test::uncopied_capture());
    test::take_away(blind, "linearise");
    CHECK_FALSE(copies(blind).measured());
}

TEST_CASE("remote: no verdict speaks of the receiver's side") {
    const auto verdict = [](const Capture& capture) { return build_report(half_of(capture)).verdict; };
    CHECK(verdict(test::uncopied_capture()) ==
          "Zero-copy worked: no byte was copied between the program and the device.");
    CHECK(verdict(test::copying_capture(CopyMode::one_copy)) ==
          "Every byte was copied into the kernel, as this mode promises. On its way to the receiver, which was not "
          "seen, each payload byte was copied 1.00 times.");
    CHECK(verdict(test::copying_capture(CopyMode::two_copy)) ==
          "Every byte was copied in the program and into the kernel, as this mode promises. On its way to the "
          "receiver, which was not seen, each payload byte was copied 2.00 times.");
    CHECK(verdict(test::copying_capture(CopyMode::zerocopy)) ==
          "No byte was sent zero-copy. On its way to the receiver, which was not seen, each payload byte was copied "
          "1.00 times.");
    for (const CopyMode mode : {CopyMode::one_copy, CopyMode::two_copy, CopyMode::zerocopy}) {
        CHECK(page_of(build_report(half_of(test::copying_capture(mode)))).find("nd to end each") == std::string::npos);
    }
}

TEST_CASE("remote: speed is the sender's, by its own time") {
    Capture capture = half_of(test::uncopied_capture());
    capture.server.wall_ns = 2'000'000;
    const Report report = build_report(capture);
    CHECK(report.wall_ns == 2'000'000);
    CHECK(report.throughput_bits_per_second == Ratio(static_cast<double>(payload) * 8 / 2e-3));
    REQUIRE(report.latencies.size() == 2);
    CHECK(report.latencies[0].id == "send-call");
    CHECK(report.latencies[1].id == "completion");
}

TEST_CASE("remote: what was not seen is on the page") {
    const std::string page = page_of(build_report(half_of(test::uncopied_capture())));
    for (const std::string part :
         {"remote · ", "  copies per byte    sender only               0.00\n",
          "  kernel -> program copied, copies per byte end to end n/a: the receiver is not\n    a part of this run\n",
          "delivery latency: the receiver is not a part of this run\n", "the receiver: netio-client says there",
          "speed is that\n            of sending, until the last completion\n"}) {
        CHECK_MESSAGE(page.find(part) != std::string::npos, part << " is not in\n" << page);
    }
    CHECK(page_of(build_report(half_of(test::copying_capture(CopyMode::one_copy)))).find("the socket's buffer") !=
          std::string::npos);
    CHECK(page_of(build_report(test::uncopied_capture())).find("sender only") == std::string::npos);
}

TEST_CASE("remote: CSV leaves the cells of the receiver empty") {
    const std::string header = report::csv_header();
    const std::string row = report::csv_row(build_report(half_of(test::uncopied_capture())));
    const auto cell = [&](const std::string& name) {
        const auto column = std::count(header.begin(), header.begin() + static_cast<long>(header.find(name)), ',');
        std::size_t at = 0;
        for (long i = 0; i < column; ++i) {
            at = row.find(',', at) + 1;
        }
        return row.substr(at, row.find(',', at) - at);
    };
    CHECK(cell("path") == "remote");
    CHECK(cell("received_bytes").empty());
    CHECK(cell("copies_per_byte_ratio").empty());
    CHECK(cell("sender_copies_per_byte_ratio") == "0");
    CHECK(cell("late_copied_bytes") == "0");
}
