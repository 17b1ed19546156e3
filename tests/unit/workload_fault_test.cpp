// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "workload/fast_open.h"
#include "workload/hello.h"
#include "workload/socket.h"
#include "workload_support.h"

using namespace netio;
using namespace netio::workload;
using model::CopyMode;
using netio::test::short_run;

namespace {

const std::atomic<bool> never = false;
constexpr std::chrono::seconds patience{5};

// Plays a server by hand: accepts one connection, reads the hello, sends `bytes`, closes.
Result<RunOutcome> client_of_fake_server(const std::vector<std::byte>& bytes, ClientOptions options = {}) {
    auto listener = listen_on("127.0.0.1", 0);
    REQUIRE(listener);
    options.port = listener->port;
    Result<RunOutcome> outcome = fail("not run");
    std::thread thread([&] { outcome = netio::test::run_client(options); });
    {
        auto socket = accept_from(listener->fd.get(), never);
        REQUIRE(socket);
        std::array<std::byte, client_hello_bytes> hello{};
        CHECK(read_exactly(socket->get(), hello, patience, never));
        CHECK(write_exactly(socket->get(), bytes));
    }
    thread.join();
    return outcome;
}

std::vector<std::byte> server_bytes(const ServerHello& hello, std::span<const std::byte> stream = {}) {
    std::vector<std::byte> bytes(server_hello_bytes + stream.size());
    std::ranges::copy(encode(hello), bytes.begin());
    std::ranges::copy(stream, bytes.begin() + server_hello_bytes);
    return bytes;
}

// Plays a client by hand up to the server's answer.
struct FakeClient {
    Fd socket;
    ServerHello answer;
};
Result<FakeClient> fake_client(std::uint16_t port, const ClientHello& hello) {
    auto socket = connect_to("127.0.0.1", port, patience, never);
    REQUIRE(socket);
    REQUIRE(write_exactly(socket->get(), encode(hello)));
    std::array<std::byte, server_hello_bytes> bytes{};
    if (auto read = read_exactly(socket->get(), bytes, patience, never); !read) {
        return Unexpected{read.error()};
    }
    return FakeClient{*std::move(socket), *decode_server_hello(bytes)};
}

}  // namespace

TEST_CASE("workload: impossible options are refused before a socket is made") {
    ServerOptions options = short_run(CopyMode::one_copy, 7);
    auto server = Server::listen(options);
    REQUIRE_FALSE(server);
    CHECK(describe(server.error()) ==
          "a message of 7 B is too small: its stamp alone takes 8 bytes; try: --size 8 or more");
    CHECK(server.error().code == ExitCode::usage);
    options.size_bytes = max_message_bytes + 1;
    CHECK(Server::listen(options).error().advice == "--size 1G or less");
    options = short_run(CopyMode::one_copy, 8);
    options.connections = max_connections + 1;
    CHECK(Server::listen(options).error().code == ExitCode::usage);
    CHECK(Client::start({.connections = 0}).error().code == ExitCode::usage);
    CHECK(Client::start({.connections = max_connections + 1}).error().code == ExitCode::usage);
}

TEST_CASE("workload: addresses that cannot be used are named with what to do") {
    auto first = listen_on("127.0.0.1", 0);
    REQUIRE(first);
    const auto taken = listen_on("127.0.0.1", first->port);
    REQUIRE_FALSE(taken);
    CHECK(describe(taken.error()) ==
          "port " + std::to_string(first->port) +
              " is taken on 127.0.0.1: Address already in use (EADDRINUSE); try: --port 0, which picks a free one");
    CHECK(taken.error().code == ExitCode::usage);

    const auto foreign = listen_on("192.0.2.1", 0);
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().what == "cannot listen on 192.0.2.1:0, which is no address of this machine");
    CHECK(foreign.error().code == ExitCode::usage);

    const auto nonsense = listen_on("1.2.3.4.5", 0);
    REQUIRE_FALSE(nonsense);
    CHECK(nonsense.error().what == "'1.2.3.4.5' is no address of a machine");
    CHECK(nonsense.error().code == ExitCode::usage);

    CHECK(endpoint_text("::1", 80) == "[::1]:80");
    CHECK(endpoint_text("10.0.0.1", 80) == "10.0.0.1:80");
}

TEST_CASE("workload: a refused connection is an error once patience is over") {
    std::uint16_t free_port = 0;
    {
        auto listener = listen_on("127.0.0.1", 0);
        REQUIRE(listener);
        free_port = listener->port;
    }
    const auto outcome =
        netio::test::run_client({.port = free_port, .connect_patience = std::chrono::milliseconds(30)});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().what == "cannot connect to 127.0.0.1:" + std::to_string(free_port));
    CHECK(outcome.error().why == "Connection refused (ECONNREFUSED)");
}

TEST_CASE("workload: a client names what is wrong with the server it reached") {
    const ServerHello good{.size_bytes = 64, .connections = 1, .clock_id = clock_identity()};
    const auto what = [](const Result<RunOutcome>& outcome) {
        return outcome ? std::string("no error") : outcome.error().what;
    };
    CHECK(what(client_of_fake_server(std::vector<std::byte>(server_hello_bytes, std::byte{'H'}))) ==
          "what listens there is no netio-server");
    CHECK(what(client_of_fake_server({})).find("closed the connection before its hello") != std::string::npos);
    ServerHello hello = good;
    hello.version = protocol_version + 1;
    CHECK(what(client_of_fake_server(server_bytes(hello))) == "the server is of another version");
    hello = good;
    hello.verdict = Verdict::wrong_connections;
    hello.connections = 2;
    CHECK(what(client_of_fake_server(server_bytes(hello))) == "the server serves 2 connections, not 1");
    hello = good;
    hello.verdict = Verdict::busy;
    CHECK(what(client_of_fake_server(server_bytes(hello))) == "the server serves another client");
    hello = good;
    hello.size_bytes = 0;
    CHECK(what(client_of_fake_server(server_bytes(hello))) == "the server announced messages of 0 B");
    CHECK(what(client_of_fake_server(server_bytes(good), {.expected_mode = CopyMode::two_copy})) ==
          "the server sends zerocopy, not two-copy");
    CHECK(what(client_of_fake_server(server_bytes(good), {.expected_size_bytes = 65})) ==
          "the server sends messages of 64 B, not 65 B");
}

TEST_CASE("workload: a server that goes away half-way is a failure of the client, with what was received") {
    const ServerHello hello{.size_bytes = 8, .connections = 1, .clock_id = "another machine"};
    std::vector<std::byte> stream;
    for (const Stamp stamp : {Stamp{1, true, true}, Stamp{2, false, false}, Stamp{3, false, false}}) {
        const auto bytes = encode_stamp(stamp);
        stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    const auto outcome = client_of_fake_server(server_bytes(hello, stream));
    REQUIRE(outcome);
    CHECK(outcome->result.failure ==
          "the server closed a connection after 2 measured messages: the last message had not come; try: see how the "
          "server ended");
    CHECK(outcome->result.connections.at(0).messages == 2);
    CHECK(outcome->result.connections.at(0).bytes == 16);
    CHECK(outcome->result.connections.at(0).delivery_ns.count == 0);
    CHECK(outcome->result.delivery_missing ==
          "server and client run on different machines, whose clocks cannot be compared");

    const auto before = client_of_fake_server(server_bytes(hello, std::span(stream).first(4)));
    REQUIRE_FALSE(before);
    CHECK(before.error().what == "the server closed a connection after 0 measured messages");
}

TEST_CASE("workload: of those who connect beside a connection only its peer is taken, and its end ends the wait") {
    auto pair = netio::test::make_socket_pair();
    REQUIRE(pair);
    const auto listener = listen_beside(pair->receiver.get());
    REQUIRE(listener);
    const auto there = peer_at(pair->sender.get(), listener->port);
    REQUIRE(there);

    const Fd stranger(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in elsewhere{};
    elsewhere.sin_family = AF_INET;
    elsewhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    REQUIRE(::bind(stranger.get(), reinterpret_cast<const sockaddr*>(&elsewhere), sizeof elsewhere) == 0);
    REQUIRE(::connect(stranger.get(), reinterpret_cast<const sockaddr*>(&there->address), there->size) == 0);
    const auto peer = connect_to("127.0.0.1", listener->port, patience, never);
    REQUIRE(peer);
    const auto taken = accept_peer(listener->fd.get(), pair->receiver.get(), never);
    REQUIRE(taken);
    REQUIRE(write_exactly(peer->get(), encode_port(7)));
    std::array<std::byte, port_bytes> read{};
    REQUIRE(read_exactly(taken->get(), read, patience, never));
    CHECK(decode_port(read) == 7);
    std::byte nothing{};
    CHECK(::recv(stranger.get(), &nothing, 1, 0) == 0);

    pair->sender.reset();
    const auto ended = accept_peer(listener->fd.get(), pair->receiver.get(), never);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().what == "the server closed its connection before it opened another one");
}

TEST_CASE("workload: Multipath TCP and connections that the server opens exclude each other") {
    ServerOptions options = short_run(CopyMode::zerocopy, 8);
    options.mptcp = true;
    options.opening = Opening::by_first_send;
    const auto server = Server::listen(options);
    REQUIRE_FALSE(server);
    CHECK(server.error().code == ExitCode::usage);
}

TEST_CASE("workload: a client that goes away half-way is a failure of the server in every mode") {
    for (const CopyMode mode : {CopyMode::two_copy, CopyMode::per_field, CopyMode::one_copy, CopyMode::zerocopy}) {
        CAPTURE(model::to_string(mode));
        ServerOptions options = short_run(mode, 65536);
        options.messages = 1'000'000;
        auto server = Server::listen(options);
        REQUIRE(server);
        std::thread thread([&] {
            auto client = fake_client((*server)->port().value(), {.session = 1});
            REQUIRE(client);
            // The warm-up is one message: what lies beyond it belongs to the measured phase.
            std::vector<std::byte> bytes(3 * 65536);
            CHECK(read_exactly(client->socket.get(), bytes, patience, never));
        });
        const auto outcome = run(**server, {});
        thread.join();
        REQUIRE(outcome);
        CHECK(outcome->result.failure != "");
        CHECK(outcome->result.connections.at(0).messages >= 1);
        CHECK(outcome->result.connections.at(0).messages < 1'000'000);
    }
}

TEST_CASE("workload: one connection that breaks ends the phase of all in agreement") {
    ServerOptions options = short_run(CopyMode::one_copy, 4096);
    options.messages = 100'000'000;
    auto server = Server::listen(options);
    REQUIRE(server);
    std::thread thread([&] {
        const std::uint16_t port = (*server)->port().value();
        auto stays = fake_client(port, {.session = 5, .index = 0, .connections = 2});
        auto leaves = fake_client(port, {.session = 5, .index = 1, .connections = 2});
        REQUIRE(stays);
        REQUIRE(leaves);
        std::vector<std::byte> bytes(65536);
        CHECK(read_exactly(leaves->socket.get(), bytes, patience, never));
        leaves->socket.reset();
        StreamReader reader({4096, 0, false, false});
        while (!reader.finished()) {
            const ssize_t got = ::recv(stays->socket.get(), bytes.data(), bytes.size(), 0);
            REQUIRE(got > 0);
            reader.feed(std::span(bytes).first(static_cast<std::size_t>(got)), 0);
        }
    });
    const auto outcome = run(**server, {});
    thread.join();
    REQUIRE(outcome);
    CHECK(outcome->result.failure.find("broke while sending") != std::string::npos);
    CHECK(outcome->result.connections.size() == 2);
}

TEST_CASE("workload: strangers, other clients and repeated connections are turned away") {
    ServerOptions options = short_run(CopyMode::one_copy, 64);
    options.connections = 2;
    auto server = Server::listen(options);
    REQUIRE(server);
    const std::uint16_t port = (*server)->port().value();
    const auto verdict = [&](const ClientHello& hello) {
        const auto client = fake_client(port, hello);
        REQUIRE(client);
        CHECK(client->answer.connections == 2);
        return client->answer.verdict;
    };
    {
        auto stranger = connect_to("127.0.0.1", port, patience, never);
        REQUIRE(stranger);
        const std::vector<std::byte> request(client_hello_bytes, std::byte{'G'});
        REQUIRE(write_exactly(stranger->get(), request));
        std::array<std::byte, 1> answer{};
        CHECK_FALSE(read_exactly(stranger->get(), answer, patience, never));
    }
    CHECK(verdict({.session = 1, .connections = 3}) == Verdict::wrong_connections);
    CHECK(verdict({.session = 1, .index = 2, .connections = 2}) == Verdict::wrong_connections);
    CHECK(verdict({.version = 99, .session = 1, .connections = 2}) == Verdict::wrong_version);
    const auto accepted = fake_client(port, {.session = 1, .connections = 2});
    REQUIRE(accepted);
    CHECK(accepted->answer.verdict == Verdict::accepted);
    CHECK(accepted->answer.mode == CopyMode::one_copy);
    CHECK(accepted->answer.size_bytes == 64);
    CHECK(accepted->answer.clock_id == clock_identity());
    CHECK(verdict({.session = 1, .connections = 2}) == Verdict::busy);
    CHECK(verdict({.session = 2, .index = 1, .connections = 2}) == Verdict::busy);
    CHECK((*server)->rejected() == 6);
    CHECK_FALSE((*server)->gate().all_arrived(Phase::connect));
}
