// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace netio::workload {

// The life of a connection: established, warmed up, measured.
enum class Phase : std::uint8_t { connect, warm_up, measure };
inline constexpr std::size_t phase_count = 3;

// Where the worker threads of one end and the thread that controls them meet: workers enter a phase when it is open and
// say when they have been through it; the controller sleeps on wake_fd() meanwhile.
class PhaseGate {
 public:
    PhaseGate();

    // Controller. Phases open in order; an earlier one is opened with a later.
    void open(Phase phase);
    // All workers are through `phase`. False while their number is not known.
    bool all_arrived(Phase phase) const;
    // Workers leave wait_open() and wait_leave().
    void leave();
    // The same, and every wait of a worker ends with an error.
    void cancel();
    // Running phases end with their next message.
    void request_stop() { stop_.store(true, std::memory_order_relaxed); }
    // Readable (eventfd) after every change that a controller may wait for; clear_wake() before looking.
    int wake_fd() const { return wake_.get(); }
    void clear_wake();
    // The first failure, and how far the worker that failed had come.
    struct Failure {
        Phase phase;
        Error error;
    };
    std::optional<Failure> failure() const;
    std::vector<pid_t> thread_ids() const;

    // Workers.
    void expect_workers(std::size_t count);
    void register_thread(std::size_t index, pid_t thread_id);
    // Waits until the phase is open; false: leave instead.
    bool wait_open(Phase phase);
    void wait_leave();
    void arrive(Phase phase);
    // The worker goes no further: it counts as arrived in `phase` and all later ones, and the others are asked to stop.
    void fail(Phase phase, const Error& error);
    bool stop_requested() const { return stop_.load(std::memory_order_relaxed); }
    const std::atomic<bool>& cancelled() const { return cancelled_; }

 private:
    void wake();

    Fd wake_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t workers_ = 0;
    std::vector<pid_t> thread_ids_;
    std::array<std::size_t, phase_count> arrived_{};
    Phase open_ = Phase::connect;
    bool leaving_ = false;
    std::optional<Failure> failure_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> cancelled_ = false;
};

}  // namespace netio::workload
