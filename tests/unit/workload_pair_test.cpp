// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "workload/pattern.h"
#include "workload/sender.h"
#include "workload/stream_reader.h"
#include "workload_support.h"

using namespace netio;
using namespace netio::workload;
using model::CopyMode;
using netio::test::run_pair;
using netio::test::short_run;

namespace {

constexpr std::array<CopyMode, 4> all_modes{CopyMode::two_copy, CopyMode::per_field, CopyMode::one_copy,
                                            CopyMode::zerocopy};

void check_claims(CopyMode mode, const model::ConnectionResult& sent) {
    const auto& claim = sent.error_queue;
    CHECK(sent.unread_completions == 0);
    if (mode != CopyMode::zerocopy) {
        CHECK(claim == model::ErrorQueueClaim{});
        CHECK(sent.completion_ns.count == 0);
        return;
    }
    // Loopback delivers to this machine, and a receiving socket may not hold the sender's pages: all are copied.
    CHECK(claim.calls_copied == sent.calls);
    CHECK(claim.calls_zerocopy == 0);
    CHECK(claim.notifications >= 1);
    CHECK(claim.notifications <= sent.calls);
    CHECK(sent.completion_ns.count == sent.calls);
}

void check_connection(CopyMode mode, std::uint64_t size, const model::ConnectionResult& sent,
                      const model::ConnectionResult& got) {
    CHECK(sent.index == got.index);
    CHECK(sent.messages == 23);
    CHECK(got.messages == 23);
    CHECK(sent.bytes == 23 * size);
    CHECK(got.bytes == 23 * size);
    CHECK(got.verified_bytes == 23 * size);
    CHECK(got.corrupt_bytes == 0);
    CHECK(sent.program_copied_bytes == (mode == CopyMode::two_copy ? 23 * size : 0));
    CHECK(sent.calls - sent.partial_calls == 23U * (mode == CopyMode::per_field ? 8 : 1));
    CHECK(sent.send_call_ns.count == 23);
    CHECK(got.delivery_ns.count == 23);
    CHECK(got.calls >= 1);
    check_claims(mode, sent);
}

}  // namespace

TEST_CASE("workload: every mode delivers every byte of every message") {
    for (const CopyMode mode : all_modes) {
        for (const std::uint64_t size : {8U, 9U, 63U, 4093U, 16384U, 1048576U}) {
            for (const std::uint32_t connections : {1U, 4U}) {
                CAPTURE(model::to_string(mode));
                CAPTURE(size);
                CAPTURE(connections);
                const auto outcome = run_pair(short_run(mode, size), {.connections = connections, .verify = true});
                REQUIRE(outcome.server);
                REQUIRE(outcome.client);
                const auto& server = outcome.server->result;
                const auto& client = outcome.client->result;
                CHECK(server.failure == "");
                CHECK(client.failure == "");
                CHECK(server.zerocopy_opt_in == (mode == CopyMode::zerocopy ? "set" : "not requested"));
                CHECK(client.delivery_missing == "");
                CHECK(server.wall_ns > 0);
                REQUIRE(server.connections.size() == connections);
                REQUIRE(client.connections.size() == connections);
                for (std::size_t i = 0; i < connections; ++i) {
                    check_connection(mode, size, server.connections[i], client.connections[i]);
                }
            }
        }
    }
}

// Whether the first packet has data is left to this machine's net.ipv4.tcp_fastopen: the kernel connects either way.
TEST_CASE("workload: a server that opens the measured connection delivers every byte over it") {
    for (const CopyMode mode : all_modes) {
        for (const Opening opening : {Opening::by_first_send, Opening::by_deferred_send}) {
            for (const std::uint64_t size : {8U, 16384U}) {
                CAPTURE(model::to_string(mode));
                CAPTURE(static_cast<int>(opening));
                CAPTURE(size);
                ServerOptions options = short_run(mode, size);
                options.opening = opening;
                const auto outcome = run_pair(options, {.connections = 3, .verify = true});
                REQUIRE(outcome.server);
                REQUIRE(outcome.client);
                CHECK(outcome.server->result.failure == "");
                CHECK(outcome.client->result.failure == "");
                for (std::size_t i = 0; i < 3; ++i) {
                    check_connection(mode, size, outcome.server->result.connections.at(i),
                                     outcome.client->result.connections.at(i));
                }
            }
        }
    }
}

TEST_CASE("workload: send calls that take only a part are carried on") {
    for (const CopyMode mode : all_modes) {
        CAPTURE(model::to_string(mode));
        ServerOptions options = short_run(mode, 1048577);
        // Holds a quarter of a message; less than a segment would wait for delayed ACKs.
        options.send_buffer_bytes = 131072;
        options.nonblocking = true;
        const auto outcome = run_pair(options, {.verify = true});
        REQUIRE(outcome.server);
        REQUIRE(outcome.client);
        REQUIRE(outcome.server->result.failure == "");
        const auto& sent = outcome.server->result.connections.at(0);
        CHECK(sent.partial_calls > 0);
        check_connection(mode, 1048577, sent, outcome.client->result.connections.at(0));
    }
}

TEST_CASE("workload: calls without bytes between the messages get no number and no completion") {
    ServerOptions options = short_run(CopyMode::zerocopy, 4093);
    options.empty_sends = true;
    const auto outcome = run_pair(options, {.verify = true});
    REQUIRE(outcome.server);
    REQUIRE(outcome.client);
    CHECK(outcome.server->result.failure == "");
    check_connection(CopyMode::zerocopy, 4093, outcome.server->result.connections.at(0),
                     outcome.client->result.connections.at(0));
}

TEST_CASE("workload: completions that hold no buffer back are read all the same") {
    ServerOptions options = short_run(CopyMode::zerocopy, 4093);
    options.uncounted_completions = true;
    const auto outcome = run_pair(options, {});
    REQUIRE(outcome.server);
    REQUIRE(outcome.client);
    CHECK(outcome.server->result.failure == "");
    const auto& sent = outcome.server->result.connections.at(0);
    CHECK(sent.bytes == 23 * 4093);
    CHECK(sent.error_queue.calls_zerocopy + sent.error_queue.calls_copied == sent.calls);
    CHECK(sent.completion_ns.count == 0);
    CHECK(sent.unread_completions == 0);
}

TEST_CASE("workload: without SO_ZEROCOPY the flag is ignored and no completion is awaited") {
    ServerOptions options = short_run(CopyMode::zerocopy, 16384);
    options.skip_opt_in = true;
    const auto outcome = run_pair(options, {.verify = true});
    REQUIRE(outcome.server);
    REQUIRE(outcome.client);
    const auto& sent = outcome.server->result.connections.at(0);
    CHECK(outcome.server->result.zerocopy_opt_in == "not requested");
    CHECK(sent.bytes == 23 * 16384);
    CHECK(sent.calls == 23);
    CHECK(sent.error_queue == model::ErrorQueueClaim{});
    CHECK(sent.unread_completions == 0);
    CHECK(outcome.client->result.connections.at(0).corrupt_bytes == 0);
}

TEST_CASE("workload: a pool of one message is enough") {
    ServerOptions options = short_run(CopyMode::zerocopy, 4093);
    options.pool_messages = 1;
    const auto outcome = run_pair(options, {.verify = true});
    REQUIRE(outcome.server);
    check_connection(CopyMode::zerocopy, 4093, outcome.server->result.connections.at(0),
                     outcome.client->result.connections.at(0));
}

TEST_CASE("workload: addresses may be of IPv6") {
    ServerOptions options = short_run(CopyMode::zerocopy, 63);
    options.bind_address = "::1";
    const auto outcome = run_pair(options, {.verify = true});
    if (!outcome.server) {
        MESSAGE("no IPv6 here: " << describe(outcome.server.error()));
        return;
    }
    check_connection(CopyMode::zerocopy, 63, outcome.server->result.connections.at(0),
                     outcome.client->result.connections.at(0));
}

TEST_CASE("workload: a phase by time, with warm-up, counts the measured part only") {
    ServerOptions options = short_run(CopyMode::one_copy, 256);
    options.messages = 0;
    options.warmup = std::chrono::milliseconds(2);
    options.duration = std::chrono::milliseconds(10);
    const auto outcome = run_pair(options, {.connections = 2, .verify = true});
    REQUIRE(outcome.server);
    REQUIRE(outcome.client);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& sent = outcome.server->result.connections.at(i);
        const auto& got = outcome.client->result.connections.at(i);
        CHECK(sent.messages >= 1);
        CHECK(sent.messages == got.messages);
        CHECK(sent.bytes == got.bytes);
        CHECK(got.corrupt_bytes == 0);
        CHECK(sent.thread_id != got.thread_id);
    }
    CHECK(outcome.server->result.wall_ns >= 10'000'000);
}

namespace {

// Sends five verified messages on `pair` before anything is read, then returns what the reader finds corrupt.
std::uint64_t corrupt_bytes_with(bool reuse_too_early, std::uint32_t pool) {
    constexpr std::uint64_t size = 65536;
    constexpr std::uint64_t messages = 5;
    // The receiver's kernel takes one or two messages at most: the others wait in the sender's queue, as references to
    // the sender's pages.
    auto pair = netio::test::make_socket_pair();
    REQUIRE(pair);
    const int room = 400'000;
    ::setsockopt(pair->sender.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    const std::atomic<bool> cancelled = false;
    auto sender =
        make_sender(pair->sender.get(), {CopyMode::zerocopy, size, false, pool, false, reuse_too_early}, cancelled);
    REQUIRE(sender);
    REQUIRE((*sender)->opt_in() == "set");
    for (std::uint64_t n = 0; n < messages; ++n) {
        auto message = (*sender)->acquire();
        REQUIRE(message);
        (*message)->fill(message_seed(0, n));
        (*sender)->prepare(**message);
        (*sender)->stamp(**message, {n + 1, n == 0, n == 0 || n + 1 == messages});
        REQUIRE((*sender)->send(**message, n + 1));
    }
    StreamReader reader({size, 0, true, false});
    std::vector<std::byte> buffer(65536);
    while (!reader.finished()) {
        const ssize_t got = ::recv(pair->receiver.get(), buffer.data(), buffer.size(), 0);
        REQUIRE(got > 0);
        reader.feed(std::span(buffer).first(static_cast<std::size_t>(got)), 0);
        if (reuse_too_early && reader.corrupt_bytes() > 60000) {
            break;  // its stamps are damaged too: the end may not be recognised
        }
    }
    return reader.corrupt_bytes();
}

}  // namespace

TEST_CASE("workload: a buffer that is reused before its completion is found out") {
    CHECK(corrupt_bytes_with(false, 5) == 0);
    CHECK(corrupt_bytes_with(true, 1) > 60000);
}

TEST_CASE("workload: completions that never come are given up and counted") {
    auto pair = netio::test::make_socket_pair(2048);
    REQUIRE(pair);
    std::atomic<bool> cancelled = false;
    auto sender = make_sender(pair->sender.get(), {CopyMode::zerocopy, 65536, false, 4}, cancelled);
    REQUIRE(sender);
    for (int n = 0; n < 2; ++n) {
        auto message = (*sender)->acquire();
        REQUIRE((*sender)->send(**message, 1));
    }
    cancelled = true;  // instead of waiting five seconds for a receiver that does not read
    CHECK((*sender)->drain());
    CHECK((*sender)->counts().unread_completions >= 1);
    CHECK((*sender)->counts().unread_completions + (*sender)->counts().error_queue.calls_copied == 2);
}

TEST_CASE("workload: a broken connection ends the wait for completions") {
    auto pair = netio::test::make_socket_pair(2048);
    REQUIRE(pair);
    const std::atomic<bool> cancelled = false;
    auto sender = make_sender(pair->sender.get(), {CopyMode::zerocopy, 65536, false, 4}, cancelled);
    REQUIRE(sender);
    auto message = (*sender)->acquire();
    REQUIRE((*sender)->send(**message, 1));
    pair->receiver.reset();  // with unread data: the kernel resets the connection and drops what was queued
    const auto drained = (*sender)->drain();
    CHECK((drained || drained.error().why.find("ECONNRESET") != std::string::npos));
    auto next = (*sender)->acquire();
    REQUIRE(next);
    const auto sent = (*sender)->send(**next, 2);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().what == "the connection broke while sending");
}

TEST_CASE("workload: a phase that is stopped ends with its next message on both sides") {
    ServerOptions options = short_run(CopyMode::zerocopy, 4093);
    options.messages = 0;
    options.duration = std::chrono::hours(1);
    options.warmup = std::chrono::hours(1);
    auto server = Server::listen(options);
    REQUIRE(server);
    (*server)->interrupt();
    Result<RunOutcome> client = fail("not run");
    std::thread thread([&] { client = netio::test::run_client({.port = (*server)->port().value()}); });
    const auto outcome = run(**server, {});
    thread.join();
    REQUIRE(outcome);
    REQUIRE(client);
    CHECK(outcome->result.failure == "");
    CHECK(outcome->result.connections.at(0).messages == 1);
    CHECK(client->result.connections.at(0).messages == 1);
}

TEST_CASE("workload: a client that wants to stop asks the server") {
    ServerOptions options = short_run(CopyMode::one_copy, 256);
    options.messages = 0;
    options.duration = std::chrono::hours(1);
    auto server = Server::listen(options);
    REQUIRE(server);
    Result<RunOutcome> outcome = fail("not run");
    std::thread thread([&] { outcome = run(**server, {}); });
    {
        auto client = Client::start({.port = (*server)->port().value(), .connections = 2});
        REQUIRE(client);
        while (!(*client)->gate().all_arrived(Phase::warm_up)) {
            pollfd changed{(*client)->gate().wake_fd(), POLLIN, 0};
            ::poll(&changed, 1, 1000);
            (*client)->gate().clear_wake();
        }
        (*client)->interrupt();
        pollfd finished{(*client)->gate().wake_fd(), POLLIN, 0};
        while (!(*client)->gate().all_arrived(Phase::measure)) {
            ::poll(&finished, 1, 1000);
            (*client)->gate().clear_wake();
        }
        CHECK((*client)->result().failure == "");
        CHECK((*client)->result().connections.at(0).messages >= 1);
    }
    thread.join();
    REQUIRE(outcome);
    CHECK(outcome->result.failure == "");
}

TEST_CASE("workload: late completions stay in the error queue until the end, and none is missed") {
    constexpr std::uint64_t size = 4093;
    constexpr std::uint64_t messages = 23;
    auto pair = netio::test::make_socket_pair();
    REQUIRE(pair);
    const std::atomic<bool> cancelled = false;
    auto sender = make_sender(pair->sender.get(), {CopyMode::zerocopy, size, false, 64, true}, cancelled);
    REQUIRE(sender);
    std::vector<std::byte> buffer(size);
    for (std::uint64_t n = 0; n < messages; ++n) {
        auto message = (*sender)->acquire();
        REQUIRE(message);
        (*sender)->prepare(**message);
        REQUIRE((*sender)->send(**message, n + 1));
        REQUIRE(::recv(pair->receiver.get(), buffer.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
    }
    CHECK((*sender)->counts().error_queue.notifications == 0);
    REQUIRE((*sender)->drain());
    const auto& told = (*sender)->counts().error_queue;
    CHECK(told.notifications >= 1);
    CHECK(told.notifications < messages);  // merged, for nobody read them in between
    CHECK(told.calls_copied + told.calls_zerocopy == messages);
    CHECK((*sender)->counts().unread_completions == 0);
}
