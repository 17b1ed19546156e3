// SPDX-License-Identifier: MIT
#include "workload/line_channel.h"

#include <sys/socket.h>

#include <cerrno>

namespace netio::workload {

Result<void> LineChannel::send(const model::Json& message) {
    const std::string line = message.dump(-1, ' ', false, model::Json::error_handler_t::replace) + "\n";
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t taken = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (taken < 0 && errno == EINTR) {
            continue;
        }
        if (taken < 0) {
            return fail_errno("cannot write to the control connection", errno);
        }
        rest.remove_prefix(static_cast<std::size_t>(taken));
    }
    return {};
}

void LineChannel::fill() {
    char buffer[16384];
    ssize_t got = 0;
    do {
        got = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (got > 0) {
            pending_.append(buffer, static_cast<std::size_t>(got));
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    closed_ = closed_ || got == 0 || errno != EAGAIN;
}

Result<std::optional<model::Json>> LineChannel::next() {
    const std::size_t end = pending_.find('\n');
    if (end == std::string::npos) {
        return std::nullopt;
    }
    const std::string line = pending_.substr(0, end);
    pending_.erase(0, end + 1);
    auto message = model::Json::parse(line, nullptr, false);
    if (!message.is_object()) {
        return fail("a line of the control connection is no JSON object", line.substr(0, 80));
    }
    return message;
}

std::string text_at(const model::Json& object, std::string_view key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace netio::workload
