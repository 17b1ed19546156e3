// SPDX-License-Identifier: MIT
#include "workload/server_connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "workload/clock.h"
#include "workload/fast_open.h"
#include "workload/pattern.h"
#include "workload/socket.h"

namespace netio::workload {
namespace {

constexpr std::uint64_t look_interval_ns = ns_per_second / 10;
constexpr std::uint64_t linger_limit_ns = 5 * ns_per_second;

SenderOptions sender_options(const ServerOptions& options) {
    return {.mode = options.mode,
            .size_bytes = options.size_bytes,
            .skip_opt_in = options.skip_opt_in,
            .pool_messages = options.pool_messages,
            .late_completions = options.late_completions,
            .secret_memory = options.secret_memory,
            .empty_sends = options.empty_sends,
            .uncounted_completions = options.uncounted_completions};
}

void prepare_socket(int fd, const ServerOptions& options) {
    // Every message is sent at once: Nagle's algorithm would hold the end of a small message back until the previous
    // one is acknowledged, and the latencies would be those of delayed acknowledgements.
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bound_waits(fd);
    if (options.send_buffer_bytes != 0) {
        const auto bytes = static_cast<int>(options.send_buffer_bytes);
        ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    if (options.nonblocking) {
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
}

}  // namespace

ServerConnection::ServerConnection(Fd socket, const ClientHello& hello, std::uint16_t client_port,
                                   const ServerOptions& options, PhaseGate& gate)
    : greeted_(std::move(socket)),
      client_port_(client_port),
      index_(hello.index),
      verify_(hello.verify),
      options_(options),
      gate_(gate) {
    result_.index = hello.index;
}

void ServerConnection::run() {
    auto made = make_sender_on(greeted_.get());
    result_.thread_id = ::gettid();
    gate_.register_thread(index_, result_.thread_id);
    if (!made) {
        shut_down();
        return gate_.fail(Phase::connect, made.error());
    }
    gate_.arrive(Phase::connect);
    for (const Phase phase : {Phase::warm_up, Phase::measure}) {
        if (!gate_.wait_open(phase)) {
            return;
        }
        if (auto done = run_phase(phase); !done) {
            shut_down();
            return gate_.fail(phase, done.error());
        }
        gate_.arrive(phase);
    }
    gate_.wait_leave();
    if (linger_) {
        wait_for_peer_to_close();
    }
}

void ServerConnection::shut_down() {
    const std::scoped_lock lock(mutex_);
    ::shutdown(greeted_.get(), SHUT_RDWR);
    if (opened_.valid()) {
        ::shutdown(opened_.get(), SHUT_RDWR);
    }
}

Result<void> ServerConnection::make_sender_on(int fd) {
    prepare_socket(fd, options_);
    auto sender = make_sender(fd, sender_options(options_), gate_.cancelled());
    if (!sender) {
        return Unexpected{sender.error()};
    }
    sender_ = *std::move(sender);
    opt_in_ = sender_->opt_in();
    return {};
}

// The client listens. All is made ready before the measured phase, and its first message connects.
Result<void> ServerConnection::open_anew() {
    const bool deferred = options_.opening == Opening::by_deferred_send;
    const auto client = peer_at(greeted_.get(), client_port_);
    auto socket = client ? prepare_fast_open(*client, deferred) : Unexpected{client.error()};
    if (!socket) {
        return Unexpected{socket.error()};
    }
    {
        const std::scoped_lock lock(mutex_);
        opened_ = *std::move(socket);
    }
    auto made = make_sender_on(opened_.get());
    if (made && !deferred) {
        sender_->open_with_first_call(*client);
    }
    return made;
}

Result<void> ServerConnection::run_phase(Phase phase) {
    const ThreadUsage usage;
    sender_->reset_counts();
    send_call_ns_.clear();
    in_phase_ = 0;
    auto done = send_all(phase);
    if (done) {
        done = sender_->drain();
    }
    if (phase == Phase::measure) {
        store_counts();
        usage.store(result_);
    } else if (done && sender_->counts().unread_completions != 0) {
        return fail("zero-copy completions of the warm-up never came", "the peer acknowledges nothing",
                    "see whether the receiving program is stopped");
    } else if (done && options_.opening != Opening::by_client) {
        return open_anew();
    }
    return done;
}

Result<void> ServerConnection::send_all(Phase phase) {
    const std::uint64_t begin_ns = monotonic_ns();
    const auto length = phase == Phase::warm_up ? options_.warmup : options_.duration;
    const std::uint64_t deadline_ns = begin_ns + static_cast<std::uint64_t>(length.count());
    next_look_ns_ = begin_ns + look_interval_ns;
    while (true) {
        auto last = send_message(phase, deadline_ns);
        if (!last) {
            return Unexpected{last.error()};
        }
        if (*last) {
            return {};
        }
        if (auto there = look_at_peer(end_ns_); !there) {
            return there;
        }
    }
}

// The clock is read twice for a message, on both sides of its send calls. Times on a connection grow strictly: a client
// that verifies takes that as the pattern of the stamp.
Result<bool> ServerConnection::send_message(Phase phase, std::uint64_t deadline_ns) {
    auto message = sender_->acquire();
    if (!message) {
        return Unexpected{message.error()};
    }
    if (verify_) {
        (*message)->fill(message_seed(index_, number_));
    }
    sender_->prepare(**message);
    const std::uint64_t entered_ns = std::max(monotonic_ns(), last_stamp_ns_ + 1);
    last_stamp_ns_ = entered_ns;
    first_send_ns_ = in_phase_ == 0 ? entered_ns : first_send_ns_;
    const bool last = is_last(phase, entered_ns, deadline_ns);
    sender_->stamp(**message, {entered_ns, phase == Phase::warm_up, last});
    if (auto sent = sender_->send(**message, entered_ns); !sent) {
        return Unexpected{sent.error()};
    }
    end_ns_ = monotonic_ns();
    send_call_ns_.record(end_ns_ - entered_ns);
    ++number_;
    ++in_phase_;
    return last;
}

bool ServerConnection::is_last(Phase phase, std::uint64_t now_ns, std::uint64_t deadline_ns) const {
    if (gate_.stop_requested()) {
        return true;
    }
    if (phase == Phase::measure && options_.messages != 0) {
        return in_phase_ + 1 == options_.messages;
    }
    return now_ns >= deadline_ns;
}

// After its hello a client sends nothing but a byte that asks to end the phase early. Ten looks a second cost nothing.
Result<void> ServerConnection::look_at_peer(std::uint64_t now_ns) {
    if (now_ns < next_look_ns_) {
        return {};
    }
    next_look_ns_ = now_ns + look_interval_ns;
    std::byte ignored[16];
    const ssize_t got = ::recv(socket(), ignored, sizeof ignored, MSG_DONTWAIT);
    if (got > 0) {
        gate_.request_stop();
    } else if (got == 0) {
        return fail("the client closed a connection before the last message", {}, "see how the client ended");
    }
    return {};
}

void ServerConnection::store_counts() {
    const SendCounts& counts = sender_->counts();
    result_.messages = in_phase_;
    result_.bytes = counts.bytes;
    result_.calls = counts.calls;
    result_.partial_calls = counts.partial_calls;
    result_.enobufs = counts.enobufs;
    result_.program_copied_bytes = counts.program_copied_bytes;
    result_.error_queue = counts.error_queue;
    result_.unread_completions = counts.unread_completions;
    result_.send_call_ns = send_call_ns_.data();
    result_.completion_ns = counts.completion_ns.data();
    end_ns_ = std::max(end_ns_, counts.last_completion_ns);
}

// Closing a socket with unread bytes (a request to stop) would reset the connection and could cost the client the end
// of the stream.
void ServerConnection::wait_for_peer_to_close() {
    ::shutdown(socket(), SHUT_WR);
    StallClock patience(linger_limit_ns);
    std::byte ignored[16];
    ssize_t got = 0;
    do {
        pollfd ready{socket(), POLLIN, 0};
        ::poll(&ready, 1, 100);
        got = ::recv(socket(), ignored, sizeof ignored, MSG_DONTWAIT);
    } while ((got > 0 || (got < 0 && errno == EAGAIN)) && !patience.expired() && !gate_.cancelled());
}

}  // namespace netio::workload
