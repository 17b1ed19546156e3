// SPDX-License-Identifier: MIT
#include "workload/client_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "workload/clock.h"
#include "workload/endpoint.h"
#include "workload/fast_open.h"
#include "workload/socket.h"
#include "workload/wire.h"

namespace netio::workload {
namespace {

constexpr std::uint64_t min_buffer_bytes = 64 << 10;
constexpr std::uint64_t max_buffer_bytes = 1 << 20;
// The server answers one client after the other, and a slow machine makes hundreds of threads for them.
constexpr std::chrono::nanoseconds hello_patience{30'000'000'000};

std::string mode_text(model::CopyMode mode) {
    return std::string(model::to_string(mode));
}

}  // namespace

ClientConnection::ClientConnection(std::uint32_t index, std::uint64_t session, const ClientOptions& options,
                                   PhaseGate& gate)
    : index_(index), session_(session), options_(options), gate_(gate) {
    result_.index = index;
}

void ClientConnection::run() {
    result_.thread_id = ::gettid();
    gate_.register_thread(index_, result_.thread_id);
    auto done = establish();
    if (done) {
        gate_.arrive(Phase::connect);
        reached_ = Phase::warm_up;
        done = receive_all();
    }
    if (!done) {
        shut_down();
        return gate_.fail(reached_, done.error());
    }
    gate_.arrive(Phase::measure);
    gate_.wait_leave();
}

void ClientConnection::shut_down() {
    const std::scoped_lock lock(mutex_);
    if (socket_.valid()) {
        ::shutdown(socket_.get(), SHUT_RDWR);
    }
}

void ClientConnection::ask_to_stop() {
    const std::scoped_lock lock(mutex_);
    const std::byte request{1};
    if (socket_.valid()) {
        ::send(socket_.get(), &request, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

Result<void> ClientConnection::establish() {
    auto socket =
        connect_to(options_.address, options_.port, options_.connect_patience, gate_.cancelled(), options_.mptcp);
    if (!socket) {
        return Unexpected{socket.error()};
    }
    if (auto greeted = greet(socket->get()); !greeted) {
        return greeted;
    }
    bound_waits(socket->get());
    const std::scoped_lock lock(mutex_);
    socket_ = *std::move(socket);
    return {};
}

Result<void> ClientConnection::greet(int fd) {
    const ClientHello ours{protocol_version, session_, index_, options_.connections, options_.verify};
    std::array<std::byte, server_hello_bytes> answer{};
    auto done = write_exactly(fd, encode(ours));
    if (done) {
        done = read_exactly(fd, answer, hello_patience, gate_.cancelled());
    }
    if (!done) {
        Error error = done.error();
        error.what = endpoint_text(options_.address, options_.port) + ": " + error.what;
        error.advice = "see whether netio-server listens there and serves no other client";
        return Unexpected{error};
    }
    auto hello = decode_server_hello(answer);
    if (!hello) {
        return Unexpected{hello.error()};
    }
    delivery_missing_ = clock_difference(clock_identity(), hello->clock_id);
    server_ = *hello;
    auto sound = check(*hello);
    return sound && hello->opens_anew ? listen_for_server(fd) : sound;
}

Result<void> ClientConnection::listen_for_server(int fd) {
    auto listener = listen_beside(fd);
    if (!listener) {
        return Unexpected{listener.error()};
    }
    listener_ = std::move(listener->fd);
    return write_exactly(fd, encode_port(listener->port));
}

Result<void> ClientConnection::change_connection() {
    if (!listener_.valid()) {
        return {};
    }
    auto opened = accept_peer(listener_.get(), socket_.get(), gate_.cancelled());
    if (!opened) {
        return Unexpected{opened.error()};
    }
    bound_waits(opened->get());
    listener_.reset();
    const std::scoped_lock lock(mutex_);
    socket_ = *std::move(opened);
    return {};
}

Result<void> ClientConnection::check(const ServerHello& hello) const {
    if (hello.version != protocol_version || hello.verdict == Verdict::wrong_version) {
        return fail("the server is of another version", "its protocol is version " + std::to_string(hello.version),
                    "netio-server and netio-client of the same release", ExitCode::usage);
    }
    if (hello.verdict == Verdict::wrong_connections) {
        return fail("the server serves " + format_count(hello.connections) + " connections, not " +
                        format_count(options_.connections),
                    {}, "the same --threads on both sides", ExitCode::usage);
    }
    if (hello.verdict != Verdict::accepted) {
        return fail("the server serves another client", {}, "again when it has finished");
    }
    if (hello.size_bytes < min_message_bytes || hello.size_bytes > max_message_bytes) {
        return fail("the server announced messages of " + format_bytes(hello.size_bytes), "that is out of range");
    }
    if (options_.expected_mode && *options_.expected_mode != hello.mode) {
        return fail("the server sends " + mode_text(hello.mode) + ", not " + mode_text(*options_.expected_mode), {},
                    "the same --mode on both sides", ExitCode::usage);
    }
    if (options_.expected_size_bytes && *options_.expected_size_bytes != hello.size_bytes) {
        return fail("the server sends messages of " + format_count(hello.size_bytes) + " B, not " +
                        format_count(*options_.expected_size_bytes) + " B",
                    {}, "the same --size on both sides", ExitCode::usage);
    }
    return {};
}

Result<void> ClientConnection::receive_all() {
    StreamReader reader({server_->size_bytes, index_, options_.verify, delivery_missing_.empty()});
    std::optional<ThreadUsage> usage;
    auto done = receive_phases(reader, usage);
    if (usage) {
        usage->store(result_);
    }
    store(reader);
    if (done && reader.surplus_bytes() != 0) {
        return fail("the server sent more after its last message", "stamps are damaged", "--verify, which finds where");
    }
    return done;
}

// One recv(2) and one reading of the clock for as many messages as have arrived; nothing else per message but a walk
// over its boundaries.
Result<void> ClientConnection::receive_phases(StreamReader& reader, std::optional<ThreadUsage>& usage) {
    std::vector<std::byte> buffer(std::clamp(server_->size_bytes, min_buffer_bytes, max_buffer_bytes));
    while (!reader.finished()) {
        const auto got = receive_some(buffer, reader);
        if (!got) {
            return Unexpected{got.error()};
        }
        const std::uint64_t before = reader.bytes();
        reader.feed({buffer.data(), *got}, monotonic_ns());
        result_.calls += reader.bytes() != before ? 1 : 0;
        if (reader.warm() && !usage) {
            usage.emplace();
            reached_ = Phase::measure;
            gate_.arrive(Phase::warm_up);
            if (auto changed = change_connection(); !changed) {
                return changed;
            }
        }
    }
    return {};
}

// A stall is a failure only in the middle of a phase: between them a parent process may take its time.
Result<std::size_t> ClientConnection::receive_some(std::vector<std::byte>& buffer, const StreamReader& reader) {
    StallClock stall(stall_limit_ns);
    while (true) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) {
            return static_cast<std::size_t>(got);
        }
        const std::string progress = "after " + format_count(reader.messages()) + " measured messages";
        if (got == 0) {
            return fail("the server closed a connection " + progress, "the last message had not come",
                        "see how the server ended");
        }
        if (errno != EAGAIN && errno != EINTR) {
            return fail_errno("a connection broke " + progress, errno, "see how the server ended");
        }
        if (gate_.cancelled()) {
            return fail("receiving was given up", "the run was cancelled");
        }
        if (reader.expecting() && stall.expired()) {
            return fail("the server sent nothing for 10 s " + progress, {}, "see whether the server is stopped");
        }
    }
}

void ClientConnection::store(const StreamReader& reader) {
    result_.messages = reader.messages();
    result_.bytes = reader.bytes();
    result_.verified_bytes = reader.verified_bytes();
    result_.corrupt_bytes = reader.corrupt_bytes();
    result_.delivery_ns = reader.delivery_ns().data();
    first_byte_ns_ = reader.first_byte_ns();
    last_byte_ns_ = reader.last_byte_ns();
}

}  // namespace netio::workload
