// SPDX-License-Identifier: MIT
#include "workload/phase_gate.h"

#include <sys/eventfd.h>

#include <algorithm>

namespace netio::workload {

PhaseGate::PhaseGate() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void PhaseGate::wake() {
    const std::uint64_t one = 1;
    // Fails only when the count is at its limit, and then the descriptor is readable anyway.
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void PhaseGate::clear_wake() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof count);
}

void PhaseGate::open(Phase phase) {
    const std::scoped_lock lock(mutex_);
    open_ = std::max(open_, phase);
    changed_.notify_all();
}

bool PhaseGate::all_arrived(Phase phase) const {
    const std::scoped_lock lock(mutex_);
    return workers_ != 0 && arrived_[static_cast<std::size_t>(phase)] == workers_;
}

void PhaseGate::leave() {
    const std::scoped_lock lock(mutex_);
    leaving_ = true;
    changed_.notify_all();
}

void PhaseGate::cancel() {
    cancelled_.store(true);
    request_stop();
    leave();
}

std::optional<PhaseGate::Failure> PhaseGate::failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
}

std::vector<pid_t> PhaseGate::thread_ids() const {
    const std::scoped_lock lock(mutex_);
    return thread_ids_;
}

void PhaseGate::expect_workers(std::size_t count) {
    const std::scoped_lock lock(mutex_);
    workers_ = count;
    thread_ids_.resize(count);
}

void PhaseGate::register_thread(std::size_t index, pid_t thread_id) {
    const std::scoped_lock lock(mutex_);
    thread_ids_.at(index) = thread_id;
}

bool PhaseGate::wait_open(Phase phase) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return leaving_ || open_ >= phase; });
    return !leaving_;
}

void PhaseGate::wait_leave() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return leaving_; });
}

void PhaseGate::arrive(Phase phase) {
    const std::scoped_lock lock(mutex_);
    ++arrived_[static_cast<std::size_t>(phase)];
    wake();
}

void PhaseGate::fail(Phase phase, const Error& error) {
    request_stop();
    const std::scoped_lock lock(mutex_);
    for (auto i = static_cast<std::size_t>(phase); i < phase_count; ++i) {
        ++arrived_[i];
    }
    if (!failure_) {
        failure_ = Failure{phase, error};
    }
    wake();
}

}  // namespace netio::workload
