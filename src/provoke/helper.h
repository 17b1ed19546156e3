// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>

#include "base/result.h"

namespace netio::provoke {

// A process of its own that a scenario needs while the run lasts: the owner of a packet socket, the far end of a cable.
// Ends with this object, or with its parent.
class Helper {
 public:
    // `prepare` runs in the child and returns 0 or an errno, which start() reports as the reason of `what`; then
    // `serve` runs until the process is killed. From the main thread only (see workload::Child::spawn).
    static Result<Helper> start(const char* name, const std::string& what, const std::function<int()>& prepare,
                                const std::function<void()>& serve);
    Helper(Helper&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Helper& operator=(Helper&&) = delete;
    ~Helper();

    pid_t pid() const { return pid_; }

 private:
    explicit Helper(pid_t pid) : pid_(pid) {}
    pid_t pid_;
};

}  // namespace netio::provoke
