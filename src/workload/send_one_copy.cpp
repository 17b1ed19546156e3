// SPDX-License-Identifier: MIT
#include "workload/sender.h"

namespace netio::workload {
namespace {

// sendmsg(2) gathers the fields: one call, and the only copy is the kernel's.
class OneCopySender final : public SenderOnWire {
 public:
    OneCopySender(int fd, Message message, const std::atomic<bool>& cancelled)
        : SenderOnWire(fd, cancelled), message_(std::move(message)) {}

    Result<Message*> acquire() override { return &message_; }
    Result<void> send(Message& message, std::uint64_t) override {
        Fields rest = message.fields();
        return wire().send_vector(rest);
    }

 private:
    Message message_;
};

}  // namespace

Result<std::unique_ptr<Sender>> make_one_copy(int fd, const SenderOptions& options,
                                              const std::atomic<bool>& cancelled) {
    auto message = Message::allocate(options.size_bytes);
    if (!message) {
        return Unexpected{message.error()};
    }
    return std::make_unique<OneCopySender>(fd, *std::move(message), cancelled);
}

}  // namespace netio::workload
