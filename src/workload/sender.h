// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/vocabulary.h"
#include "workload/message.h"
#include "workload/stamp.h"
#include "workload/wire.h"

namespace netio::workload {

struct SenderOptions {
    model::CopyMode mode = model::CopyMode::zerocopy;
    std::uint64_t size_bytes = 16384;
    bool skip_opt_in = false;         // zerocopy: do not set SO_ZEROCOPY, so that the kernel ignores MSG_ZEROCOPY
    std::uint32_t pool_messages = 0;  // zerocopy: message buffers; 0: chosen by size
    // zerocopy: leave completions in the error queue while there is a buffer left, so that the kernel merges them.
    bool late_completions = false;
    bool reuse_too_early = false;  // zerocopy: a fault for the tests of --verify, buffers are reused before completion
    bool secret_memory = false;    // zerocopy: messages in memory that cannot be pinned; what is refused is copied
    bool empty_sends = false;      // zerocopy: a call without bytes after each message
    // zerocopy: completions are read and hold no buffer back, for something before TCP copies what it is given and
    // numbers calls of its own.
    bool uncounted_completions = false;
};

// One way to hand messages of 8 fields to the kernel. For each message, in this order: acquire(), then whatever the
// program writes into the fields, prepare(), stamp(), send(). Not for two threads at once.
class Sender {
 public:
    Sender() = default;
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    virtual ~Sender() = default;

    // The socket is not connected yet: the first call opens the connection.
    virtual void open_with_first_call(const Remote& remote) = 0;
    // A message whose fields may be written. zerocopy waits until the kernel has let go of one.
    virtual Result<Message*> acquire() = 0;
    // What the program has to do with the finished fields before they can be sent, outside of the send call.
    virtual void prepare(const Message&) {}
    // Writes the stamp where send() will read it.
    virtual void stamp(Message& message, const Stamp& stamp) { message.write_stamp(stamp); }
    // Sends the whole message. `entered_ns` is the time the first send call is entered.
    virtual Result<void> send(Message& message, std::uint64_t entered_ns) = 0;
    // Waits, within bounds, until the kernel has let go of every buffer; what is missing is in unread_completions.
    virtual Result<void> drain() { return {}; }
    // "not requested", "set", or why SO_ZEROCOPY was refused.
    virtual std::string opt_in() const { return "not requested"; }

    virtual const SendCounts& counts() const = 0;
    // Counts start at 0 again.
    virtual void reset_counts() = 0;
};

// What all senders hold.
class SenderOnWire : public Sender {
 public:
    SenderOnWire(int fd, const std::atomic<bool>& cancelled) : wire_(fd, counts_, cancelled) {}
    const SendCounts& counts() const override { return counts_; }
    void reset_counts() override { counts_ = SendCounts(); }
    void open_with_first_call(const Remote& remote) override { wire_.open_with_first_call(remote); }

 protected:
    Wire& wire() { return wire_; }

 private:
    SendCounts counts_;
    Wire wire_;
};

// The sender of a mode for the socket `fd`. Fails when memory is refused.
Result<std::unique_ptr<Sender>> make_sender(int fd, const SenderOptions& options, const std::atomic<bool>& cancelled);

Result<std::unique_ptr<Sender>> make_two_copy(int fd, const SenderOptions&, const std::atomic<bool>& cancelled);
Result<std::unique_ptr<Sender>> make_per_field(int fd, const SenderOptions&, const std::atomic<bool>& cancelled);
Result<std::unique_ptr<Sender>> make_one_copy(int fd, const SenderOptions&, const std::atomic<bool>& cancelled);
Result<std::unique_ptr<Sender>> make_zerocopy(int fd, const SenderOptions&, const std::atomic<bool>& cancelled);

}  // namespace netio::workload
