// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <span>

#include "base/text.h"
#include "workload/sender.h"

namespace netio::workload {
namespace {

// The fields are serialised into one buffer (first copy), which send(2) copies into the kernel (second copy).
class TwoCopySender final : public SenderOnWire {
 public:
    TwoCopySender(int fd, Message message, std::unique_ptr<std::byte[]> buffer, const std::atomic<bool>& cancelled)
        : SenderOnWire(fd, cancelled), message_(std::move(message)), buffer_(std::move(buffer)) {}

    Result<Message*> acquire() override { return &message_; }
    void prepare(const Message& message) override {
        message.serialise(buffer_.get());
        wire().counts().program_copied_bytes += message.size_bytes();
    }
    // Into the serialised buffer: the time is that of the send call, and serialising lies before it.
    void stamp(Message&, const Stamp& stamp) override { std::ranges::copy(encode_stamp(stamp), buffer_.get()); }
    Result<void> send(Message&, std::uint64_t) override {
        return wire().send_buffer({buffer_.get(), message_.size_bytes()});
    }

 private:
    Message message_;
    std::unique_ptr<std::byte[]> buffer_;
};

}  // namespace

Result<std::unique_ptr<Sender>> make_two_copy(int fd, const SenderOptions& options,
                                              const std::atomic<bool>& cancelled) {
    auto message = Message::allocate(options.size_bytes);
    if (!message) {
        return Unexpected{message.error()};
    }
    // The zeroes bring the pages in before anything is measured.
    std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[options.size_bytes]());
    if (!buffer) {
        return fail_errno("cannot allocate a send buffer of " + format_bytes(options.size_bytes), ENOMEM,
                          "a smaller --size");
    }
    return std::make_unique<TwoCopySender>(fd, *std::move(message), std::move(buffer), cancelled);
}

}  // namespace netio::workload
