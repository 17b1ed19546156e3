// SPDX-License-Identifier: MIT
#include "ledger/books.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "capture_fixture.h"

namespace {

using namespace netio;
using ledger::Books;
using ledger::close_books;
using ledger::LateGroup;
using ledger::Telling;
using model::Account;
using model::Balance;
using model::Capture;
using model::CopyMode;
using model::Direction;
using model::Role;
using model::Site;
using test::calls;
using test::late_copy;
using test::payload;

using Names = std::vector<std::string>;
using Count = model::Figure<std::uint64_t>;

Names ids_of(const std::vector<Account>& accounts) {
    Names ids;
    for (const auto& account : accounts) {
        ids.push_back(account.id);
    }
    return ids;
}

Names ids_of(const std::vector<Balance>& balances) {
    Names ids;
    for (const auto& balance : balances) {
        ids.push_back(balance.id);
    }
    return ids;
}

Account account_of(const Books& books, const std::string& id) {
    for (const auto& account : books.ledger.accounts) {
        if (account.id == id) {
            return account;
        }
    }
    FAIL("no account " << id);
    return {};
}

Balance balance_of(const Books& books, const std::string& id) {
    for (const auto& balance : books.ledger.balances) {
        if (balance.id == id) {
            return balance;
        }
    }
    FAIL("no balance " << id);
    return {};
}

std::string not_attached(const std::string& probe) {
    return "probe " + probe + " could not be attached: " + test::refusal;
}

LateGroup only_group(const Capture& capture) {
    const auto books = close_books(capture);
    REQUIRE(books.late.size() == 1);
    return books.late.front();
}

// The telling of one late copy with that stack.
Telling telling(Names stack, bool user_pages = true) {
    Capture capture = test::uncopied_capture();
    capture.late_copies = {late_copy(std::move(stack), 100)};
    capture.late_copies[0].user_pages = user_pages;
    return only_group(capture).telling;
}

}  // namespace

TEST_CASE("ledger: zero-copy over veth balances on every line") {
    const Books books = close_books(test::delivered_capture());
    CHECK(books.ledger.payload_bytes == Count(payload));
    CHECK(books.ledger.send_calls == Count(calls));
    CHECK(ids_of(books.ledger.accounts) == Names{"sent.pinned", "received.copied"});
    CHECK(ids_of(books.ledger.balances) ==
          Names{"sent", "completed", "queued", "transmitted", "crossed", "arrived", "delivered", "received"});
    for (const auto& balance : books.ledger.balances) {
        CHECK_MESSAGE(balance.left == Count(payload), balance.id);
        CHECK_MESSAGE(balance.right == Count(payload), balance.id);
        CHECK_MESSAGE(balance.unexplained == Count(0), balance.id);
    }
    CHECK(books.ledger.unexplained_bytes == Count(0));
    CHECK(books.late.size() == 1);
}

TEST_CASE("ledger: an account names its stage, its function and the copies it adds") {
    const Books books = close_books(test::delivered_capture());
    const Account pinned = account_of(books, "sent.pinned");
    CHECK(pinned.stage == "program -> kernel");
    CHECK(pinned.what == "pinned");
    CHECK(pinned.where == "skb_zerocopy_iter_stream");
    CHECK(pinned.bytes == Count(payload));
    CHECK(pinned.calls == Count(calls));
    CHECK(pinned.copies_per_byte.value() == 0.0);
    const Account received = account_of(books, "received.copied");
    CHECK(received.stage == "kernel -> program");
    CHECK(received.bytes == Count(payload));
    CHECK(received.calls == Count(29));
    CHECK(received.copies_per_byte.value() == 1.0);
}

TEST_CASE("ledger: what is on one side of a balance only is unexplained, in either direction") {
    struct Row {
        const char* balance;
        std::function<void(Capture&)> change;
        std::uint64_t left, right, unexplained;
    };
    const auto site = [](std::size_t socket, Site where, std::uint64_t bytes) {
        return [=](Capture& capture) { capture.sockets[socket].sites[where].bytes = bytes; };
    };
    const std::vector<Row> rows{
        {"sent", site(0, Site::send_pinned, payload - 7), payload, payload - 7, 7},
        {"sent", site(0, Site::send_spliced, 9), payload, payload + 9, 9},
        {"sent", [](Capture& c) { c.server.connections[0].bytes += 5; }, payload + 5, payload, 5},
        {"completed", site(0, Site::completed_copied, payload - 11), payload, payload - 11, 11},
        {"completed", site(0, Site::completed_zerocopy, 13), payload, payload + 13, 13},
        {"queued", site(0, Site::transmit_queued, payload - 37), payload, payload - 37, 37},
        {"queued", site(0, Site::retransmitted, 41), payload + 41, payload, 41},
        {"queued", site(0, Site::transmit_cloned, 53), payload + 53, payload, 53},
        {"transmitted", site(0, Site::transmit_zerocopy, payload - 17), payload, payload - 17, 17},
        {"transmitted", site(0, Site::transmit_linear, 19), payload, payload + 19, 19},
        {"crossed", site(0, Site::receive_zerocopy, payload + 43), payload, payload + 43, 43},
        {"crossed", site(0, Site::receive_zerocopy, payload - 47), payload, payload - 47, 47},
        {"arrived", [](Capture& c) { c.late_copies[0].bytes -= 23; }, payload, payload - 23, 23},
        {"delivered", [](Capture& c) { c.client.connections[0].bytes -= 29; }, payload, payload - 29, 29},
        {"received", site(1, Site::receive_copied, payload + 31), payload, payload + 31, 31},
    };
    for (const Row& row : rows) {
        Capture capture = test::delivered_capture();
        row.change(capture);
        const Balance balance = balance_of(close_books(capture), row.balance);
        CHECK_MESSAGE(balance.left == Count(row.left), row.balance << " - " << row.unexplained);
        CHECK_MESSAGE(balance.right == Count(row.right), row.balance << " - " << row.unexplained);
        CHECK_MESSAGE(balance.unexplained == Count(row.unexplained), row.balance);
    }
}

TEST_CASE("ledger: differences add up and do not cancel each other") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].sites[Site::completed_copied].bytes -= 100;
    capture.sockets[1].sites[Site::receive_copied].bytes += 20;
    CHECK(close_books(capture).ledger.unexplained_bytes == Count(120));
}

TEST_CASE("ledger: a balance without its probe is missing with the kernel's word, never zero") {
    const std::vector<std::pair<const char*, const char*>> rows{
        {"send-call", "sent"}, {"completion", "completed"}, {"late-copy", "arrived"}, {"receive-call", "received"}};
    for (const auto& [probe, id] : rows) {
        Capture capture = test::delivered_capture();
        test::take_away(capture, probe);
        const Books books = close_books(capture);
        const Balance balance = balance_of(books, id);
        CHECK_MESSAGE(balance.right == Count::missing(not_attached(probe)), id);
        CHECK_MESSAGE(balance.unexplained == Count::missing(not_attached(probe)), id);
        CHECK_MESSAGE(books.ledger.unexplained_bytes == Count::missing(not_attached(probe)), id);
    }
}

TEST_CASE("ledger: an account without its probe stays on its line, without a figure") {
    Capture capture = test::delivered_capture();
    test::take_away(capture, "send-call");
    test::take_away(capture, "receive-call");
    capture.sockets.clear();  // such a probe sees nothing
    const Books books = close_books(capture);
    CHECK(ids_of(books.ledger.accounts) == Names{"sent.pinned", "received.copied"});
    CHECK(account_of(books, "sent.pinned").bytes == Count::missing(not_attached("send-call")));
    CHECK(account_of(books, "sent.pinned").calls == Count::missing(not_attached("send-call")));
    CHECK(account_of(books, "received.copied").bytes == Count::missing(not_attached("receive-call")));
    CHECK(account_of(books, "received.copied").copies_per_byte.reason() == not_attached("receive-call"));
    CHECK(books.ledger.send_calls == Count::missing(not_attached("send-call")));
    CHECK(books.ledger.payload_bytes == Count(payload));  // the program's own word
}

TEST_CASE("ledger: an account whose bytes are unknown claims no copies, and no absence of copies") {
    Capture capture = test::delivered_capture();
    test::take_away(capture, "send-call");
    capture.sockets.clear();
    CHECK(account_of(close_books(capture), "sent.pinned").copies_per_byte.reason() == not_attached("send-call"));
}

TEST_CASE("ledger: a run that was not to be traced says so wherever a figure is missing") {
    Capture capture = test::delivered_capture();
    capture.spec.tier = model::Tier::none;
    capture.probes.clear();
    capture.sockets.clear();
    const Books books = close_books(capture);
    CHECK(books.ledger.unexplained_bytes == Count::missing("nothing was traced (--tier none)"));
    CHECK(account_of(books, "sent.pinned").bytes == Count::missing("nothing was traced (--tier none)"));
    CHECK(balance_of(books, "delivered").unexplained == Count(0));
}

TEST_CASE("ledger: in a copying mode the line that waits for its probe is the copying one") {
    Capture capture = test::copying_capture(CopyMode::one_copy);
    test::take_away(capture, "send-call");
    capture.sockets[0].sites.clear();
    const Books books = close_books(capture);
    CHECK(ids_of(books.ledger.accounts) == Names{"sent.copied", "received.copied"});
    CHECK(account_of(books, "sent.copied").copies_per_byte.reason() == not_attached("send-call"));
}

TEST_CASE("ledger: the balances of the packet path need its probe, and are optional") {
    Capture capture = test::delivered_capture();
    test::take_away(capture, "packet-path");
    const Books books = close_books(capture);
    CHECK(ids_of(books.ledger.balances) == Names{"sent", "completed", "delivered", "received"});
    CHECK(books.ledger.unexplained_bytes == Count(0));
}

TEST_CASE("ledger: what is sent again is queued again, where that can be seen") {
    const auto has_queued = [](const Capture& capture) {
        const Names ids = ids_of(close_books(capture).ledger.balances);
        return std::find(ids.begin(), ids.end(), "queued") != ids.end();
    };
    Capture capture = test::delivered_capture();
    capture.sockets[0].sites[Site::retransmitted] = {1, 4093};
    capture.sockets[0].sites[Site::transmit_queued].bytes = payload + 4093;
    CHECK(balance_of(close_books(capture), "queued").unexplained == Count(0));
    for (const char* probe : {"packet-path", "retransmit", "send-call"}) {
        capture = test::delivered_capture();
        test::take_away(capture, probe);
        CHECK_MESSAGE(!has_queued(capture), probe);
    }
    for (const Site other : {Site::send_copied, Site::send_not_opted_in, Site::send_spliced}) {
        capture = test::delivered_capture();
        capture.sockets[0].sites[other] = {1, 1};
        CHECK_FALSE(has_queued(capture));
    }
    CHECK_FALSE(has_queued(test::copying_capture(CopyMode::one_copy)));
}

TEST_CASE("ledger: what is given to the driver arrives, or is lost and sent again") {
    const auto crossed = [](const std::function<void(Capture&)>& change) {
        Capture capture = test::delivered_capture();
        change(capture);
        return balance_of(close_books(capture), "crossed").unexplained;
    };
    const auto arrive = [](Capture& capture, std::uint64_t bytes) {
        capture.sockets[0].sites[Site::receive_zerocopy].bytes = bytes;
        capture.late_copies[0].bytes = bytes;
    };
    CHECK(crossed([&](Capture& c) { arrive(c, payload - 1); }) == Count(1));
    // A retransmission that no probe of the sending side saw: all their books balance, and a copy is one too many.
    CHECK(crossed([&](Capture& c) { arrive(c, payload + 4093); }) == Count(4093));
    CHECK(crossed([&](Capture& c) {
              c.sockets[0].sites[Site::retransmitted] = {1, 100};
              arrive(c, payload - 101);
          }) == Count(1));
    CHECK(crossed([&](Capture& c) {
              test::take_away(c, "retransmit");
              arrive(c, payload - 101);
          }) == Count(0));
    CHECK(crossed([&](Capture& c) {
              c.interrupted = "Ctrl-C";
              arrive(c, payload - 101);
          }) == Count(0));
    // Where nothing arrives here the receiver is on another machine, and a copying mode sends no user pages.
    for (const Capture& capture : {test::uncopied_capture(), test::copying_capture(CopyMode::one_copy)}) {
        const Names ids = ids_of(close_books(capture).ledger.balances);
        CHECK(std::find(ids.begin(), ids.end(), "crossed") == ids.end());
    }
}

TEST_CASE("ledger: clones made on the way are queued besides the packets, and end here or elsewhere") {
    constexpr std::uint64_t cloned = 8191;
    Capture capture = test::delivered_capture();
    auto& sites = capture.sockets[0].sites;
    sites[Site::transmit_cloned] = {2, cloned};
    sites[Site::transmit_queued].bytes = sites[Site::transmit_zerocopy].bytes = payload + cloned;
    const auto unexplained = [&](std::uint64_t arrived, std::uint64_t copied) {
        sites[Site::receive_zerocopy].bytes = arrived;
        capture.late_copies[0].bytes = copied;
        return close_books(capture).ledger.unexplained_bytes;
    };
    CHECK(unexplained(payload, payload) == Count(0));                    // dropped where they end
    CHECK(unexplained(payload + cloned, payload + cloned) == Count(0));  // copied there
    CHECK(unexplained(payload - 1, payload - 1) == Count(1));
    CHECK(unexplained(payload + cloned + 1, payload + cloned + 1) == Count(1));
    CHECK(unexplained(payload + cloned, payload) == Count(cloned));  // copied twice, and seen once
}

TEST_CASE("ledger: why a probe is missing") {
    Capture capture = test::delivered_capture();
    CHECK(ledger::attached(capture, "send-call"));
    CHECK_FALSE(ledger::attached(capture, "no-such-probe"));
    CHECK(ledger::why_missing(capture, "no-such-probe") == "probe no-such-probe was not attached");
    test::take_away(capture, "send-call");
    CHECK_FALSE(ledger::attached(capture, "send-call"));
    CHECK(ledger::why_missing(capture, "send-call") == not_attached("send-call"));
}

TEST_CASE("ledger: completions without their bytes leave the balance open") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].sites[Site::completed_unresolved] = {4, 0};
    const Balance balance = balance_of(close_books(capture), "completed");
    CHECK(balance.left == Count(payload));
    CHECK(balance.unexplained ==
          Count::missing("4 completions could not be matched with their calls (too many in flight)"));
}

TEST_CASE("ledger: calls that were copied for want of scatter-gather complete as well") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].sites[Site::send_pinned].bytes = payload - 1000;
    capture.sockets[0].sites[Site::send_route_without_sg] = {1, 1000};
    const Books books = close_books(capture);
    CHECK(balance_of(books, "completed").left == Count(payload));
    CHECK(balance_of(books, "completed").unexplained == Count(0));
    CHECK(account_of(books, "sent.route-without-sg").bytes == Count(1000));
    CHECK(account_of(books, "sent.route-without-sg").copies_per_byte.value() ==
          doctest::Approx(1000.0 / double(payload)));
    // The device queue also sees kernel pages then, so what is linear there proves nothing.
    CHECK(ids_of(books.ledger.balances) == Names{"sent", "completed", "crossed", "arrived", "delivered", "received"});
}

TEST_CASE("ledger: what a call copied because it opened the connection completes as well") {
    for (const auto& [site, id] :
         {std::pair{Site::send_fast_open, "sent.fast-open"}, std::pair{Site::send_in_syn, "sent.in-syn"}}) {
        CAPTURE(id);
        Capture capture = test::delivered_capture();
        capture.sockets[0].sites[Site::send_pinned].bytes = payload - 1420;
        capture.sockets[0].sites[Site::send_pinned].calls -= 1;
        capture.sockets[0].sites[site] = {1, 1420};
        const Books books = close_books(capture);
        CHECK(books.ledger.send_calls == close_books(test::delivered_capture()).ledger.send_calls);
        CHECK(books.ledger.unexplained_bytes == Count(0));
        CHECK(balance_of(books, "sent").right == Count(payload));
        CHECK(balance_of(books, "completed").left == Count(payload));
        CHECK(account_of(books, id).bytes == Count(1420));
        CHECK(account_of(books, id).copies_per_byte.value() == doctest::Approx(1420.0 / double(payload)));
        CHECK(ids_of(books.ledger.balances) ==
              Names{"sent", "completed", "crossed", "arrived", "delivered", "received"});
    }
}

TEST_CASE("ledger: bytes whose completion was not waited for are in flight, and no more than that") {
    Capture capture = test::delivered_capture();
    capture.sockets[0].sites[Site::completed_copied].bytes = payload - 4093;
    capture.server.connections[0].unread_completions = 1;
    CHECK(balance_of(close_books(capture), "completed").unexplained == Count(0));
    capture.sockets[0].sites[Site::completed_copied].bytes = payload + 1;
    CHECK(balance_of(close_books(capture), "completed").unexplained == Count(1));
}

TEST_CASE("ledger: an interrupted run has bytes in flight and claims no delivery") {
    Capture capture = test::delivered_capture();
    capture.interrupted = "Ctrl-C";
    capture.sockets[0].sites[Site::completed_copied].bytes = payload - 9000;
    capture.client.connections[0].bytes = payload - 5000;
    capture.sockets[1].sites[Site::receive_copied].bytes = payload - 5000;
    const Books books = close_books(capture);
    CHECK(ids_of(books.ledger.balances) == Names{"sent", "completed", "transmitted", "crossed", "arrived", "received"});
    CHECK(books.ledger.unexplained_bytes == Count(0));
}

TEST_CASE("ledger: one-copy is copied in and out, and completes nothing") {
    const Books books = close_books(test::copying_capture(CopyMode::one_copy));
    CHECK(ids_of(books.ledger.accounts) == Names{"sent.copied", "received.copied"});
    CHECK(ids_of(books.ledger.balances) == Names{"sent", "delivered", "received"});
    CHECK(account_of(books, "sent.copied").copies_per_byte.value() == 1.0);
    CHECK(account_of(books, "sent.copied").where == "tcp_sendmsg_locked");
    CHECK(books.ledger.unexplained_bytes == Count(0));
}

TEST_CASE("ledger: two-copy has the program's own copy in the books") {
    const Books books = close_books(test::copying_capture(CopyMode::two_copy));
    CHECK(ids_of(books.ledger.accounts) == Names{"program.serialised", "sent.copied", "received.copied"});
    const Account serialised = account_of(books, "program.serialised");
    CHECK(serialised.stage == "in the program");
    CHECK(serialised.bytes == Count(payload));
    CHECK(serialised.calls == Count(calls));  // one a message
    CHECK(serialised.copies_per_byte.value() == 1.0);
}

TEST_CASE("ledger: what left this machine uncopied has a line of its own") {
    Capture capture = test::uncopied_capture();
    const Books all = close_books(capture);
    CHECK(ids_of(all.ledger.accounts) == Names{"sent.pinned", "left.uncopied", "received.copied"});
    CHECK(account_of(all, "left.uncopied").bytes == Count(payload));
    CHECK(account_of(all, "left.uncopied").copies_per_byte.value() == 0.0);
    capture.sockets[0].sites[Site::receive_zerocopy] = {1, payload - 700};
    CHECK(account_of(close_books(capture), "left.uncopied").bytes == Count(700));
    test::take_away(capture, "packet-path");
    CHECK(ids_of(close_books(capture).ledger.accounts) == Names{"sent.pinned", "received.copied"});
}

TEST_CASE("ledger: what a sending driver copied did not leave uncopied, and has nowhere to arrive") {
    const auto left = [](std::vector<std::string> stack) {
        Capture capture = test::uncopied_capture();
        capture.late_copies = {
            test::late_copy(std::move(stack), payload - 700, test::sender_key, model::Direction::transmit)};
        return account_of(close_books(capture), "left.uncopied").bytes;
    };
    CHECK(left({"skb_segment", "tcp_gso_segment", "wg_xmit", "dev_hard_start_xmit", "__dev_queue_xmit"}) == Count(700));
    CHECK(left({"__pskb_pull_tail", "skb_cow_data", "encrypt_packet", "wg_packet_encrypt_worker"}) == Count(700));
    CHECK(left({"skb_copy_expand", "macsec_start_xmit", "dev_hard_start_xmit"}) == Count(700));
    CHECK(left({"skb_copy_ubufs", "tun_net_xmit"}) == Count(700));  // its callers were not walked
    // Made before the driver got it; and a tap's clone, which is made on the doorstep.
    CHECK(left({"skb_segment", "validate_xmit_skb", "__dev_queue_xmit", "vxlan_xmit", "dev_hard_start_xmit"}) ==
          Count(payload));
    CHECK(left({"skb_copy_ubufs", "dev_queue_xmit_nit", "dev_hard_start_xmit"}) == Count(payload));
}

Capture tls_capture() {
    Capture capture = test::empty_capture(CopyMode::zerocopy);
    capture.sockets[0].protocol = capture.sockets[1].protocol = "tls";
    capture.sockets[0].sites = {{Site::send_copied, {calls, payload}}};
    capture.sockets[1].sites = {{Site::receive_returned, {29, payload}}};
    return capture;
}

TEST_CASE("ledger: kTLS copies by encrypting, and by decrypting right into user memory") {
    const Books books = close_books(tls_capture());
    CHECK(ids_of(books.ledger.accounts) == Names{"sent.copied", "received.decrypted", "received.copied"});
    CHECK(account_of(books, "sent.copied").where == "tls_sw_sendmsg, encrypted");
    CHECK(account_of(books, "sent.copied").copies_per_byte == model::Figure<double>(1));
    CHECK(account_of(books, "received.decrypted").bytes == Count(payload));
    CHECK(account_of(books, "received.decrypted").calls == Count(29));
    CHECK(account_of(books, "received.decrypted").copies_per_byte == model::Figure<double>(1));
    CHECK(account_of(books, "received.copied").bytes == Count(0));
    CHECK(books.ledger.unexplained_bytes == Count(0));
}

TEST_CASE("ledger: what kTLS decrypts before it is copied has an unknown number of copies, and no unknown bytes") {
    Capture capture = tls_capture();
    capture.sockets[1].sites[Site::receive_copied] = {2, 4093};
    const Books books = close_books(capture);
    CHECK(account_of(books, "received.copied").bytes == Count(4093));
    CHECK(account_of(books, "received.decrypted").bytes == Count(payload));
    CHECK_FALSE(account_of(books, "received.decrypted").copies_per_byte.measured());
    CHECK(balance_of(books, "received").right == Count(payload));
    CHECK(books.ledger.unexplained_bytes == Count(0));
    capture.sockets[1].sites[Site::receive_returned].bytes -= 1;  // a byte that nobody gave to the program
    CHECK(close_books(capture).ledger.unexplained_bytes == Count(1));
}

TEST_CASE("ledger: where no program hangs on a protocol's own functions its calls are missing, not zero") {
    Capture capture = tls_capture();
    auto& sends = test::probe_named(capture, "send-call");
    auto& receives = test::probe_named(capture, "receive-call");
    sends.tier = receives.tier = model::Tier::fentry;
    sends.attached = "fentry/tcp_sendmsg_locked + fexit/tls_sw_sendmsg";
    receives.attached = "fentry/skb_copy_datagram_iter + fexit/tls_sw_recvmsg";
    CHECK(close_books(capture).ledger.unexplained_bytes == Count(0));
    receives.attached = "fentry/skb_copy_datagram_iter";
    CHECK(
        balance_of(close_books(capture), "received").unexplained.reason() ==
        "calls of the protocol tls are served by tls_sw_recvmsg, where no program hangs: --tier tracepoint sees them");
    CHECK(balance_of(close_books(capture), "sent").unexplained == Count(0));
    sends.attached = "fentry/tcp_sendmsg_locked";
    capture.sockets[0].sites.clear();
    const Books books = close_books(capture);
    CHECK_FALSE(balance_of(books, "sent").unexplained.measured());
    CHECK_FALSE(books.ledger.unexplained_bytes.measured());
    CHECK_FALSE(books.ledger.send_calls.measured());
}

TEST_CASE("ledger: ordinary calls are copied where their protocol copies") {
    Capture capture = test::copying_capture(CopyMode::zerocopy);
    const auto where = [&] { return account_of(close_books(capture), "sent.copied").where; };
    CHECK(where() == "tcp_sendmsg_locked");
    capture.sockets[0].protocol = "sockmap";
    CHECK(where() == "tcp_bpf_sendmsg");
    capture.sockets.push_back(test::traced_socket(2, Role::server));
    CHECK(where() == "tcp_bpf_sendmsg");  // the other one sent nothing
    capture.sockets[2].sites[Site::send_copied] = {1, 1};
    CHECK(where() == "tcp_bpf_sendmsg; tcp_sendmsg_locked");
}

TEST_CASE("ledger: nothing sent has no ratio") {
    Capture capture = test::copying_capture(CopyMode::one_copy);
    capture.server.connections[0].bytes = capture.client.connections[0].bytes = 0;
    capture.sockets[0].sites.clear();
    capture.sockets[1].sites.clear();
    const Books books = close_books(capture);
    CHECK(books.ledger.payload_bytes == Count(0));
    CHECK(ids_of(books.ledger.accounts) == Names{"received.copied"});
    CHECK(account_of(books, "received.copied").copies_per_byte.reason() == "nothing was sent");
    CHECK(books.ledger.unexplained_bytes == Count(0));
}

TEST_CASE("ledger: a site is summed over the sockets of one end only") {
    Capture capture = test::delivered_capture();
    capture.sockets.push_back(test::traced_socket(2, Role::server));
    capture.sockets.back().sites[Site::send_pinned] = {2, 50};
    capture.sockets[1].sites[Site::send_pinned] = {1, 7};  // the receiver's
    CHECK(ledger::total(capture, Role::server, Site::send_pinned) == model::Tally{calls + 2, payload + 50});
    CHECK(ledger::total(capture, Role::client, Site::send_pinned) == model::Tally{1, 7});
    CHECK(ledger::total(capture, Role::client, Site::send_failed) == model::Tally{});
}

TEST_CASE("late copies: what the program is told follows from the function and its caller") {
    CHECK(telling({"skb_copy_ubufs", "ip_local_deliver_finish"}) == Telling::flagged);
    CHECK(telling({"skb_copy_ubufs", "__netif_receive_skb_core"}) == Telling::flagged);
    CHECK(telling({"__pskb_pull_tail", "__skb_linearize"}) == Telling::flagged);
    CHECK(telling({"skb_copy_ubufs", "dev_queue_xmit_nit"}) == Telling::clone);
    // On the way out it is handed the clone of dev_queue_xmit_nit, on the way in the packet itself.
    CHECK(telling({"skb_copy_ubufs", "deliver_skb", "dev_queue_xmit_nit"}) == Telling::clone);
    CHECK(telling({"skb_copy_ubufs", "deliver_skb", "__netif_receive_skb_core"}) == Telling::flagged);
    CHECK(telling({"skb_copy_ubufs", "deliver_skb"}) == Telling::flagged);
    CHECK(telling({"skb_copy_ubufs", "__skb_tstamp_tx"}) == Telling::clone);
    CHECK(telling({"skb_segment", "tcp_gso_segment"}) == Telling::silent);
    CHECK(telling({"skb_copy", "somebody"}) == Telling::silent);
    CHECK(telling({"skb_copy_ubufs", "ip_local_deliver_finish"}, false) == Telling::kernel);
    CHECK(telling({"skb_segment", "tcp_gso_segment"}, false) == Telling::kernel);
}

TEST_CASE("late copies: the caller is the first frame that is no tracing glue") {
    Capture capture = test::delivered_capture();
    capture.late_copies[0].stack = {"skb_copy_ubufs", "bpf_trampoline_123", "?", "dev_queue_xmit_nit",
                                    "process_backlog"};
    CHECK(only_group(capture).caller == "dev_queue_xmit_nit");
    CHECK(only_group(capture).telling == Telling::clone);
    capture.late_copies[0].stack = {"skb_copy_ubufs"};
    CHECK(only_group(capture).caller == "");
}

TEST_CASE("late copies: two sockets with the same stack make one group") {
    Capture capture = test::delivered_capture();
    auto other = capture.late_copies[0];
    capture.late_copies[0].slot = 5;
    other.slot = 2;
    other.copies = 4;
    other.bytes = 1000;
    capture.late_copies.push_back(other);
    capture.late_copies.push_back(other);  // a further stack of a slot that is listed already
    capture.late_copies.back().stack.back() = "another_root";
    const LateGroup group = only_group(capture);
    CHECK(group.slots == std::vector<std::uint32_t>{2, 5});
    CHECK(group.copies == calls + 8);
    CHECK(group.bytes == payload + 2000);
    CHECK(group.device.name == "client0");
    CHECK(group.direction == Direction::receive);
    CHECK(group.stack == test::delivered_capture().late_copies[0].stack);
}

TEST_CASE("late copies: what differs in function, caller, device, direction or kind of pages stays apart") {
    const std::vector<std::function<void(model::LateCopyFacts&)>> changes{
        [](auto& facts) { facts.stack[0] = "skb_copy"; },
        [](auto& facts) { facts.stack[1] = "ip6_input_finish"; },
        [](auto& facts) { facts.device = test::sender_key; },
        [](auto& facts) { facts.direction = Direction::transmit; },
        [](auto& facts) { facts.user_pages = false; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        Capture capture = test::delivered_capture();
        capture.late_copies.push_back(capture.late_copies[0]);
        changes[i](capture.late_copies[1]);
        CHECK_MESSAGE(close_books(capture).late.size() == 2, "change " << i);
    }
}

TEST_CASE("late copies: the largest group comes first, equals keep their order") {
    Capture capture = test::delivered_capture();
    capture.late_copies = {late_copy({"skb_copy", "a"}, 10), late_copy({"skb_copy", "b"}, 30),
                           late_copy({"skb_copy", "c"}, 10), late_copy({"skb_copy", "d"}, 20)};
    Names order;
    for (const auto& group : close_books(capture).late) {
        order.push_back(group.caller);
    }
    CHECK(order == Names{"b", "d", "a", "c"});
}

TEST_CASE("late copies: a device that nobody described has no name") {
    Capture capture = test::delivered_capture();
    capture.late_copies[0].device = 0x404;
    CHECK(only_group(capture).device.name == "");
}

TEST_CASE("late copies: an account sums its groups") {
    Capture capture = test::delivered_capture();
    capture.late_copies = {late_copy({"skb_copy_ubufs", "ip_local_deliver_finish"}, 3000),
                           late_copy({"skb_copy_ubufs", "ip6_input_finish"}, 1096)};
    const Books books = close_books(capture);
    const Account account = ledger::late_account("local-delivery", {&books.late.at(0), &books.late.at(1)}, Count(2048));
    CHECK(account.id == "late.local-delivery");
    CHECK(account.stage == "inside the kernel");
    CHECK(account.what == "copied late");
    CHECK(account.where == "skb_copy_ubufs <- ip_local_deliver_finish, veth");
    CHECK(account.bytes == Count(4096));
    CHECK(account.calls == Count(2 * calls));
    CHECK(account.copies_per_byte.value() == 2.0);
}

TEST_CASE("late copies: an account with one silent group says so") {
    Capture capture = test::delivered_capture();
    capture.late_copies = {late_copy({"__pskb_pull_tail", "__skb_linearize"}, 3000),
                           late_copy({"skb_segment", "tcp_gso_segment"}, 1000)};
    const Books books = close_books(capture);
    CHECK(ledger::late_account("x", {&books.late.at(0)}, Count(1)).what == "copied late");
    CHECK(ledger::late_account("x", {&books.late.at(0), &books.late.at(1)}, Count(1)).what == "copied silently");
}

TEST_CASE("late copies: where a copy was made is spelled as far as it is known") {
    Capture capture = test::delivered_capture();
    const auto where = [&] {
        const Books books = close_books(capture);
        return ledger::late_account("x", {&books.late.at(0)}, Count(1)).where;
    };
    capture.devices[1].name = "lo";
    capture.devices[1].kind = "loopback";
    CHECK(where() == "skb_copy_ubufs <- ip_local_deliver_finish, loopback");
    capture.devices[1].kind = "";
    CHECK(where() == "skb_copy_ubufs <- ip_local_deliver_finish, lo");
    capture.devices.clear();
    CHECK(where() == "skb_copy_ubufs <- ip_local_deliver_finish");
    capture.late_copies[0].stack = {"skb_copy_ubufs"};
    CHECK(where() == "skb_copy_ubufs");
    capture.late_copies[0].stack.clear();
    CHECK(where() == "call stack lost");
}

TEST_CASE("late copies: with lost stacks the arrival cannot be balanced, and nothing is called zero") {
    Capture capture = test::delivered_capture();
    capture.lost_events = 1;
    capture.late_copies[0].stack.clear();
    const Balance balance = balance_of(close_books(capture), "arrived");
    CHECK(balance.left == Count(payload));
    CHECK_FALSE(balance.right.measured());
    CHECK_FALSE(balance.unexplained.measured());
}
