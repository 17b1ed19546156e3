// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <chrono>
#include <string>
#include <vector>

#include "model/json.h"
#include "workload/child.h"
#include "workload/line_channel.h"
#include "workload_support.h"

using namespace netio;
using namespace netio::workload;
using namespace std::chrono_literals;
using model::CopyMode;
using netio::test::short_run;

namespace {

struct Channels {
    LineChannel parent;
    LineChannel child;
};
Channels make_channels() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    return {LineChannel(Fd(fds[0])), LineChannel(Fd(fds[1]))};
}

model::Json await(LineChannel& channel) {
    while (true) {
        auto message = channel.next();
        REQUIRE(message);
        if (*message) {
            return **message;
        }
        REQUIRE_FALSE(channel.closed());
        pollfd ready{channel.fd(), POLLIN, 0};
        REQUIRE(::poll(&ready, 1, 10'000) == 1);
        channel.fill();
    }
}

model::Json await_event(LineChannel& channel, const std::string& name) {
    auto event = await(channel);
    CHECK(text_at(event, "event") == name);
    return event;
}

// A program that bash runs with the control descriptor in $C.
ChildOptions script(const std::string& text) {
    return {"/bin/bash", {"-c", "C=$1; " + text}, -1, std::nullopt};
}

}  // namespace

TEST_CASE("workload: lines are taken apart however they arrive") {
    Channels channels = make_channels();
    CHECK_FALSE(*channels.parent.next());
    REQUIRE(channels.child.send({{"event", "warm"}}));
    const std::string rest = "{\"event\":\"fin";
    REQUIRE(::write(channels.child.fd(), rest.data(), rest.size()) == static_cast<ssize_t>(rest.size()));
    channels.parent.fill();
    CHECK(text_at(**channels.parent.next(), "event") == "warm");
    CHECK_FALSE(*channels.parent.next());
    const std::string end = "ished\"}\nnonsense\n[1]\n";
    REQUIRE(::write(channels.child.fd(), end.data(), end.size()) == static_cast<ssize_t>(end.size()));
    channels.parent.fill();
    CHECK(text_at(**channels.parent.next(), "event") == "finished");
    CHECK_FALSE(channels.parent.next());
    CHECK(channels.parent.next().error().why == "[1]");
    CHECK_FALSE(channels.parent.closed());
    { const LineChannel gone = std::move(channels.child); }
    channels.parent.fill();
    CHECK(channels.parent.closed());
    CHECK_FALSE(channels.parent.send({{"command", "exit"}}));
    CHECK(text_at({{"a", 1}}, "a") == "");
    CHECK(text_at({{"a", "x"}}, "b") == "");
}

TEST_CASE("workload: a parent leads both ends through their phases") {
    Channels server_channels = make_channels();
    Channels client_channels = make_channels();
    auto server = Server::listen(short_run(CopyMode::zerocopy, 4093));
    REQUIRE(server);
    Result<RunOutcome> server_outcome = fail("not run");
    Result<RunOutcome> client_outcome = fail("not run");
    std::thread server_thread([&] { server_outcome = run(**server, {.control = &server_channels.child}); });
    const auto listening = await_event(server_channels.parent, "listening");
    auto client = Client::start({.port = listening.at("port").get<std::uint16_t>(), .connections = 2});
    REQUIRE(client);
    std::thread client_thread([&] { client_outcome = run(**client, {.control = &client_channels.child}); });
    for (LineChannel* parent : {&server_channels.parent, &client_channels.parent}) {
        const auto connected = await_event(*parent, "connected");
        CHECK(connected.at("pid").get<int>() == ::getpid());
        REQUIRE(connected.at("threads").size() == 2);
        CHECK(connected.at("threads")[0] != connected.at("threads")[1]);
        CHECK(parent->send({{"command", "warm-up"}}));
    }
    await_event(server_channels.parent, "warm");
    await_event(client_channels.parent, "warm");
    CHECK(client_channels.parent.send({{"command", "measure"}}));
    CHECK(server_channels.parent.send({{"command", "measure"}}));
    const auto sent = await_event(server_channels.parent, "finished");
    const auto got = await_event(client_channels.parent, "finished");
    const auto server_result = model::workload_result_from_json(sent.at("result"));
    const auto client_result = model::workload_result_from_json(got.at("result"));
    REQUIRE(server_result);
    REQUIRE(client_result);
    CHECK(server_result->connections.at(1).bytes == 23 * 4093);
    CHECK(client_result->connections.at(1).bytes == 23 * 4093);
    CHECK(server_result->connections.at(1).error_queue.calls_copied == 23);
    // The connections stay open until both are told to go, in whichever order.
    CHECK(server_channels.parent.send({{"command", "exit"}}));
    server_thread.join();
    CHECK(client_channels.parent.send({{"command", "exit"}}));
    client_thread.join();
    REQUIRE(server_outcome);
    REQUIRE(client_outcome);
    CHECK(server_outcome->result == *server_result);
    CHECK(client_outcome->result == *client_result);
}

TEST_CASE("workload: a run ends when its parent is gone") {
    Channels channels = make_channels();
    auto server = Server::listen(short_run(CopyMode::one_copy, 64));
    REQUIRE(server);
    { const LineChannel gone = std::move(channels.parent); }
    const auto outcome = run(**server, {.control = &channels.child});
    REQUIRE_FALSE(outcome);
}

TEST_CASE("workload: errors and unknown commands are told to the parent") {
    Channels channels = make_channels();
    auto server = Server::listen(short_run(CopyMode::one_copy, 64));
    REQUIRE(server);
    CHECK(channels.parent.send({{"command", "dance"}}));
    CHECK_FALSE(run(**server, {.control = &channels.child}));
    await_event(channels.parent, "listening");
    const auto error = await_event(channels.parent, "error");
    CHECK(text_at(error, "what") == "the parent gave an unknown command");
    CHECK(text_at(error, "why") == "dance");
    CHECK(error.at("code").get<int>() == 4);
}

TEST_CASE("workload: an interruption before there is a phase ends the run") {
    auto server = Server::listen(short_run(CopyMode::one_copy, 64));
    REQUIRE(server);
    const Fd interrupts(::eventfd(1, EFD_CLOEXEC));
    int told = 0;
    const auto outcome = run(**server, {.interrupts = interrupts.get(), .on_interrupt = [&] { ++told; }});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().what == "interrupted before all connections were made");
    CHECK(told == 1);
}

TEST_CASE("workload: a child's events and commands") {
    auto child =
        Child::spawn(script("echo '{\"event\":\"warm\"}' >&$C; read -r line <&$C; "
                            "echo \"{\\\"event\\\":\\\"finished\\\",\\\"got\\\":$line}\" >&$C; read -r x <&$C"));
    REQUIRE(child);
    CHECK(child->pid() > 0);
    CHECK(::getpgid(child->pid()) == child->pid());
    REQUIRE(child->wait_event("warm", 10s));
    REQUIRE(child->command("measure"));
    const auto finished = child->wait_event("finished", 10s);
    REQUIRE(finished);
    CHECK(text_at(finished->at("got"), "command") == "measure");
    CHECK_FALSE(child->wait_exit(0ms));
    REQUIRE(child->command("exit"));
    CHECK(child->wait_exit(10s));
}

TEST_CASE("workload: a child that fails is named with how it ended") {
    auto said =
        Child::spawn(script("echo '{\"event\":\"error\",\"what\":\"port 5001 is taken\",\"why\":\"w\","
                            "\"advice\":\"a\",\"code\":2}' >&$C; exit 2"));
    REQUIRE(said);
    const auto error = said->wait_event("listening", 10s);
    REQUIRE_FALSE(error);
    CHECK(describe(error.error()) == "bash: port 5001 is taken: w; try: a");
    CHECK(error.error().code == ExitCode::usage);

    auto died = Child::spawn(script("echo one >&2; echo 'the last line' >&2; exit 3"));
    REQUIRE(died);
    const auto death = died->wait_event("listening", 10s);
    REQUIRE_FALSE(death);
    CHECK(death.error().what == "bash ended with exit code 3");
    CHECK(death.error().why == "the last line");

    auto killed = Child::spawn(script("kill -KILL $$"));
    REQUIRE(killed);
    CHECK(killed->wait_event("listening", 10s).error().what == "bash was killed by SIGKILL");

    auto other = Child::spawn(script("echo '{\"event\":\"warm\"}' >&$C; read -r x <&$C"));
    REQUIRE(other);
    CHECK(other->wait_event("listening", 10s).error().what == "bash got to 'warm' where 'listening' was due");
}

TEST_CASE("workload: a command to a child that has gone says how it went") {
    const auto refused = [](const std::string& text) {
        auto child = Child::spawn(script(text));
        REQUIRE(child);
        pollfd end{child->control_fd(), 0, 0};
        REQUIRE(::poll(&end, 1, 10'000) == 1);
        REQUIRE((end.revents & POLLHUP) != 0);
        const auto sent = child->command("warm-up");
        REQUIRE_FALSE(sent);
        return describe(sent.error());
    };
    CHECK(refused("kill -KILL $$") == "bash was killed by SIGKILL; try: run it by hand to see more");
    CHECK(refused("echo '{\"event\":\"connected\"}' >&$C; echo '{\"event\":\"error\",\"what\":\"the port is taken\"}' "
                  ">&$C") == "bash: the port is taken");
}

TEST_CASE("workload: a silent child is not waited for, and dies with its handle") {
    pid_t pid = 0;
    {
        auto silent = Child::spawn(script("read -r x <&$C"));
        REQUIRE(silent);
        pid = silent->pid();
        const auto nothing = silent->wait_event("listening", 20ms);
        REQUIRE_FALSE(nothing);
        CHECK(nothing.error().what == "bash did not get to 'listening' in time");
        Child moved = *std::move(silent);
        CHECK(::kill(pid, 0) == 0);
    }
    CHECK(::kill(pid, 0) == -1);
    CHECK(errno == ESRCH);
}

TEST_CASE("workload: a program that cannot be started says which step failed") {
    const auto missing = Child::spawn({"/nonexistent/netio-server", {}, -1, std::nullopt});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what == "cannot run /nonexistent/netio-server");
    CHECK(missing.error().why == "No such file or directory (ENOENT)");
    const Fd no_namespace(::eventfd(0, EFD_CLOEXEC));
    const auto refused = Child::spawn({"/bin/bash", {}, no_namespace.get(), std::nullopt});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what == "cannot enter the network namespace");
}

TEST_CASE("workload: programs are looked for in PATH, and named when they are not there") {
    CHECK(find_program("unit-tests").value().filename() == "unit-tests");
    CHECK(find_program("bash"));
    const auto missing = find_program("netio-no-such-program");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what == "netio-no-such-program was not found");
}
