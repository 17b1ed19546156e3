// SPDX-License-Identifier: MIT
#include "workload/sender.h"

namespace netio::workload {
namespace {

// One send(2) per field: no copy in the program, eight calls into the kernel.
class PerFieldSender final : public SenderOnWire {
 public:
    PerFieldSender(int fd, Message message, const std::atomic<bool>& cancelled)
        : SenderOnWire(fd, cancelled), message_(std::move(message)) {}

    Result<Message*> acquire() override { return &message_; }
    Result<void> send(Message& message, std::uint64_t) override {
        for (const iovec& field : message.fields()) {
            auto sent = wire().send_buffer({static_cast<const std::byte*>(field.iov_base), field.iov_len});
            if (!sent) {
                return sent;
            }
        }
        return {};
    }

 private:
    Message message_;
};

}  // namespace

Result<std::unique_ptr<Sender>> make_per_field(int fd, const SenderOptions& options,
                                               const std::atomic<bool>& cancelled) {
    auto message = Message::allocate(options.size_bytes);
    if (!message) {
        return Unexpected{message.error()};
    }
    return std::make_unique<PerFieldSender>(fd, *std::move(message), cancelled);
}

}  // namespace netio::workload
