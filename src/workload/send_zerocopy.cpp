// SPDX-License-Identifier: MIT
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "workload/completions.h"
#include "workload/error_queue.h"
#include "workload/sender.h"

namespace netio::workload {
namespace {

constexpr std::uint64_t pool_target_bytes = std::uint64_t{8} << 20;  // more than a socket buffer keeps in flight
constexpr std::uint64_t two_buffers_up_to = std::uint64_t{64} << 20;
constexpr std::uint64_t max_pool_messages = 256;
constexpr std::size_t reap_threshold = 16;  // outstanding calls below which the error queue is left alone
constexpr std::size_t reap_step = 8;        // and how many more calls are made after a look that found nothing
constexpr int tick_ms = 100;
constexpr int lonely_retries = 200;  // of 1 ms: other sockets of this user may give pinned memory back

std::size_t pool_size(const SenderOptions& options) {
    if (options.pool_messages != 0) {
        return options.pool_messages;
    }
    if (options.size_bytes > two_buffers_up_to) {
        return 1;
    }
    return std::clamp<std::uint64_t>(pool_target_bytes / options.size_bytes, 2, max_pool_messages);
}

void sleep_ms(int milliseconds) {
    ::poll(nullptr, 0, milliseconds);
}

int take_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

// sendmsg(2) with MSG_ZEROCOPY: the kernel pins the fields' pages and says in the error queue when it has let go of
// them. Until it has, for every call that referenced a message, that message stays out of the pool.
class ZerocopySender final : public SenderOnWire {
 public:
    ZerocopySender(int fd, std::vector<Message> pool, const SenderOptions& options, const std::atomic<bool>& cancelled)
        : SenderOnWire(fd, cancelled),
          pool_(std::move(pool)),
          late_completions_(options.late_completions),
          reuse_too_early_(options.reuse_too_early),
          falls_back_(options.secret_memory),
          empty_sends_(options.empty_sends),
          uncounted_(options.uncounted_completions) {
        for (std::size_t slot = 0; slot < pool_.size(); ++slot) {
            free_.push_back(slot);
        }
        references_.resize(pool_.size());
        if (!options.skip_opt_in) {
            opt_in_to_zerocopy();
        }
    }

    Result<Message*> acquire() override;
    Result<void> send(Message& message, std::uint64_t entered_ns) override;
    Result<void> drain() override;
    std::string opt_in() const override { return opt_in_; }

 private:
    void opt_in_to_zerocopy();
    void count_sent(std::uint64_t entered_ns);
    bool is_time_to_look();
    Result<void> drain_uncounted();
    Result<void> send_nothing();
    void release(std::size_t slot);
    Result<void> reap_now_and_then();
    Result<std::uint64_t> reap();
    void account(const Notification& notification);
    Result<std::uint64_t> await_completion(int timeout_ms);
    bool is_final(int error) const;
    Result<void> recover_refused(int error, StallClock& stall);
    Result<void> out_of_buffers(StallClock& stall);

    std::vector<Message> pool_;
    std::vector<std::uint32_t> references_;  // send calls that still hold the message, plus the send() in progress
    std::vector<std::size_t> free_;          // last in, first out: the buffer that is freshest in the cache
    std::size_t current_ = 0;
    Completions completions_;
    std::size_t next_reap_ = reap_threshold;
    int lonely_ = 0;         // refusals with ENOBUFS in a row while no call of this socket was outstanding
    bool notified_ = false;  // the kernel sends notifications on this socket
    bool late_completions_;
    bool reuse_too_early_;
    bool falls_back_;  // what the kernel cannot pin is sent by an ordinary call, as what a protocol refuses always is
    bool empty_sends_;
    bool uncounted_;  // no call is outstanding, whatever notifications come
    std::size_t unlooked_ = 0;
    std::string opt_in_ = "not requested";
};

void ZerocopySender::opt_in_to_zerocopy() {
    const int on = 1;
    if (::setsockopt(wire().fd(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) == 0) {
        notified_ = true;
        opt_in_ = "set";
    } else {
        opt_in_ = "SO_ZEROCOPY was refused: " + errno_text(errno);
    }
}

Result<Message*> ZerocopySender::acquire() {
    StallClock stall(stall_limit_ns);
    while (free_.empty()) {
        auto done = await_completion(tick_ms);
        if (!done) {
            return Unexpected{done.error()};
        }
        if (*done != 0) {
            stall.progress();
        } else if (stall.expired() || wire().cancelled()) {
            return fail("no zero-copy completion came while all message buffers were in use",
                        "the peer acknowledges nothing", "see whether the receiving program is stopped");
        }
    }
    current_ = free_.back();
    free_.pop_back();
    return &pool_[current_];
}

Result<void> ZerocopySender::send(Message& message, std::uint64_t entered_ns) {
    Fields fields = message.fields();
    std::span<iovec> rest = fields;
    StallClock stall(stall_limit_ns);
    references_[current_] = 1;  // until the last call is made: its first ones may be complete before
    lonely_ = 0;
    while (!rest.empty()) {
        Attempt sent = wire().attempt(rest, MSG_ZEROCOPY);
        if (is_final(sent.error)) {
            sent = wire().attempt(rest, 0);
            if (sent.error == 0) {
                rest = drop_front(rest, sent.bytes);
                continue;
            }
        }
        if (sent.error != 0) {
            if (auto recovered = recover_refused(sent.error, stall); !recovered) {
                return recovered;
            }
            continue;
        }
        count_sent(entered_ns);
        rest = drop_front(rest, sent.bytes);
        if (!rest.empty()) {
            stall.progress();
        }
    }
    release(current_);
    return send_nothing().and_then([&] { return reap_now_and_then(); });
}

// A call without bytes gets no number and no completion, whatever its flags.
Result<void> ZerocopySender::send_nothing() {
    if (empty_sends_ && ::send(wire().fd(), nullptr, 0, MSG_ZEROCOPY | MSG_NOSIGNAL) < 0) {
        return fail_errno("cannot send an empty message", errno);
    }
    return {};
}

// The kernel numbers every call that took bytes, partial ones too; one that was refused gives its number back.
void ZerocopySender::count_sent(std::uint64_t entered_ns) {
    if (notified_ && !uncounted_) {
        completions_.sent(current_, entered_ns);
        references_[current_] += reuse_too_early_ ? 0 : 1;
    }
}

void ZerocopySender::release(std::size_t slot) {
    if (--references_[slot] == 0) {
        free_.push_back(slot);
    }
}

bool ZerocopySender::is_time_to_look() {
    return uncounted_ ? ++unlooked_ % reap_step == 0
                      : completions_.outstanding() >= std::min(next_reap_, (pool_.size() + 1) / 2);
}

// A look at the error queue costs a system call: it waits until enough calls are outstanding to make one worth while.
Result<void> ZerocopySender::reap_now_and_then() {
    if (late_completions_ || !is_time_to_look()) {
        return {};
    }
    auto done = reap();
    if (!done) {
        return Unexpected{done.error()};
    }
    next_reap_ = *done != 0 ? reap_threshold : completions_.outstanding() + reap_step;
    return {};
}

// Reads what the error queue holds; stops without the read that would find it empty when nothing is outstanding.
Result<std::uint64_t> ZerocopySender::reap() {
    std::uint64_t notifications = 0;
    while (uncounted_ || completions_.outstanding() != 0) {
        auto notification = read_notification(wire().fd());
        if (!notification) {
            return Unexpected{notification.error()};
        }
        if (!*notification) {
            break;
        }
        if (notifications++ == 0) {
            wire().counts().last_completion_ns = monotonic_ns();
        }
        account(**notification);
    }
    return notifications;
}

void ZerocopySender::account(const Notification& notification) {
    SendCounts& counts = wire().counts();
    const auto on_done = [&](std::size_t slot, std::uint64_t entered_ns) {
        counts.completion_ns.record(counts.last_completion_ns - entered_ns);
        if (!reuse_too_early_) {
            release(slot);
        }
    };
    const std::uint64_t calls = uncounted_ ? notification.high - notification.low + 1
                                           : completions_.complete(notification.low, notification.high, on_done);
    ++counts.error_queue.notifications;
    (notification.copied ? counts.error_queue.calls_copied : counts.error_queue.calls_zerocopy) += calls;
}

// Waits for the error queue; POLLERR is reported without being asked for (poll(2)). A dead connection reports it
// forever, with nothing to read: its error is taken, and a hang-up without one is waited out in short sleeps.
Result<std::uint64_t> ZerocopySender::await_completion(int timeout_ms) {
    pollfd queue{wire().fd(), 0, 0};
    ::poll(&queue, 1, timeout_ms);
    auto done = reap();
    if (!done || *done != 0 || queue.revents == 0) {
        return done;
    }
    if (const int error = take_socket_error(wire().fd()); error != 0) {
        return fail_errno("the connection broke before its zero-copy sends were complete", error,
                          "see how the other side ended");
    }
    sleep_ms(1);
    return done;
}

// A refusal that waiting does not change: the protocol of the socket knows no zero-copy (kTLS), or it is the memory.
bool ZerocopySender::is_final(int error) const {
    return error == EOPNOTSUPP || (error == EFAULT && falls_back_);
}

Result<void> ZerocopySender::recover_refused(int error, StallClock& stall) {
    if (error == ENOBUFS) {
        ++wire().counts().enobufs;
        return out_of_buffers(stall);
    }
    if (error == EAGAIN && late_completions_) {
        sleep_ms(1);  // poll(2) does not wait while notifications are unread
        if (!stall.expired() && !wire().cancelled()) {
            return {};
        }
    } else if (error == EAGAIN) {
        // Unread notifications would keep poll(2) from waiting for room.
        if (auto done = reap(); !done) {
            return Unexpected{done.error()};
        }
    }
    return wire().recover(error, stall);
}

// Each outstanding call is charged to net.core.optmem_max (sock_omalloc) and its pages to RLIMIT_MEMLOCK
// (mm_account_pinned_pages); reading completions gives both back.
Result<void> ZerocopySender::out_of_buffers(StallClock& stall) {
    if (completions_.outstanding() != 0) {
        auto done = await_completion(tick_ms);
        if (!done) {
            return Unexpected{done.error()};
        }
        if (*done != 0 || (!stall.expired() && !wire().cancelled())) {
            return {};
        }
    } else if (++lonely_ <= lonely_retries) {
        sleep_ms(1);
        const auto done = uncounted_ ? reap() : Result<std::uint64_t>(0);
        return done ? Result<void>{} : Unexpected{done.error()};
    }
    return fail_errno("a zero-copy send was refused although nothing is left to complete", ENOBUFS,
                      "a larger net.core.optmem_max or RLIMIT_MEMLOCK (ulimit -l), or a smaller --size",
                      ExitCode::privilege);
}

// What is acknowledged is complete: the kernel has handled the acknowledgement when it gives its lock to TCP_INFO.
Result<void> ZerocopySender::drain_uncounted() {
    StallClock stall(completion_limit_ns);
    int unacknowledged = 0;
    while (::ioctl(wire().fd(), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged != 0 && !stall.expired() &&
           !wire().cancelled()) {
        sleep_ms(1);
    }
    tcp_info info{};
    socklen_t size = sizeof info;
    ::getsockopt(wire().fd(), IPPROTO_TCP, TCP_INFO, &info, &size);
    const auto done = reap();
    return done ? Result<void>{} : Unexpected{done.error()};
}

Result<void> ZerocopySender::drain() {
    if (uncounted_) {
        return drain_uncounted();
    }
    StallClock stall(completion_limit_ns);
    while (completions_.outstanding() != 0 && !stall.expired() && !wire().cancelled()) {
        auto done = await_completion(tick_ms);
        if (!done) {
            wire().counts().unread_completions = completions_.outstanding();
            return Unexpected{done.error()};
        }
        if (*done != 0) {
            stall.progress();
        }
    }
    wire().counts().unread_completions = completions_.outstanding();
    return {};
}

}  // namespace

Result<std::unique_ptr<Sender>> make_zerocopy(int fd, const SenderOptions& options,
                                              const std::atomic<bool>& cancelled) {
    std::vector<Message> pool;
    for (std::size_t i = 0; i < pool_size(options); ++i) {
        auto message = Message::allocate(options.size_bytes, options.secret_memory ? Memory::secret : Memory::ordinary);
        if (!message) {
            return Unexpected{message.error()};
        }
        pool.push_back(*std::move(message));
    }
    return std::make_unique<ZerocopySender>(fd, std::move(pool), options, cancelled);
}

}  // namespace netio::workload
