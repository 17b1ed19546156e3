// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "model/json.h"

namespace netio::workload {

// One end of the control connection between netio-trace and a workload program: a socketpair(2) that carries one JSON
// object per line.
class LineChannel {
 public:
    explicit LineChannel(Fd fd) : fd_(std::move(fd)) {}

    // Fails when the other end is closed.
    Result<void> send(const model::Json& message);
    // Takes in what has arrived, without waiting.
    void fill();
    // The next message of those taken in, or nothing. Fails on a line that is no JSON object.
    Result<std::optional<model::Json>> next();
    // The other end is closed; messages that came before may still be there.
    bool closed() const { return closed_; }
    int fd() const { return fd_.get(); }

 private:
    Fd fd_;
    std::string pending_;
    bool closed_ = false;
};

// The text under `key`, empty when there is none.
std::string text_at(const model::Json& object, std::string_view key);

}  // namespace netio::workload
