// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <utility>

#include "app/network.h"
#include "base/result.h"
#include "model/vocabulary.h"

namespace netio::app {

// A process of its own, named netio-tap, that holds a packet socket for all protocols in a namespace and reads nothing.
// Ends with this object, or with its parent.
class PacketTap {
 public:
    // From the main thread only (see workload::Child::spawn). Errors: what failed in the child.
    static Result<PacketTap> open(const netns::Namespace& ns);
    PacketTap(PacketTap&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    PacketTap& operator=(PacketTap&&) = delete;
    ~PacketTap();

    pid_t pid() const { return pid_; }

 private:
    explicit PacketTap(pid_t pid) : pid_(pid) {}
    pid_t pid_;
};

// What a provocation holds while the run lasts.
struct Provoked {
    std::optional<PacketTap> tap;
    bool skip_opt_in = false;  // the server must not set SO_ZEROCOPY
};

// Sets the cause up inside the run's own namespaces, before its processes start.
Result<Provoked> provoke(model::Provocation cause, const Network& network);

}  // namespace netio::app
