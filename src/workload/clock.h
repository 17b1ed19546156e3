// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

#include <cstdint>

namespace netio::workload {

inline constexpr std::uint64_t ns_per_second = 1'000'000'000;

// Nanoseconds of CLOCK_MONOTONIC (clock_gettime(2)): one clock for every process of a machine, which is what makes
// delivery latency measurable at all. The vDSO answers, so that a reading costs tens of nanoseconds and no system call.
inline std::uint64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * ns_per_second + static_cast<std::uint64_t>(now.tv_nsec);
}

// Tells when nothing has moved for too long. It starts with the first question, so that a call that never has to wait
// reads no clock.
class StallClock {
 public:
    explicit StallClock(std::uint64_t limit_ns) : limit_ns_(limit_ns) {}
    void progress() { since_ns_ = 0; }
    bool expired() {
        const std::uint64_t now_ns = monotonic_ns();
        since_ns_ = since_ns_ == 0 ? now_ns : since_ns_;
        return now_ns - since_ns_ >= limit_ns_;
    }
    std::uint64_t limit_ns() const { return limit_ns_; }

 private:
    std::uint64_t limit_ns_;
    std::uint64_t since_ns_ = 0;
};

}  // namespace netio::workload
