// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernel/root.h"
#include "model/capture.h"

namespace netio::kernel {

// The kernel's account of one processor since it came up, in steps of processor_time_step_ns (proc(5), /proc/stat).
struct ProcessorTimes {
    std::uint32_t cpu = 0;
    std::uint64_t busy_ns = 0;     // programs, the kernel for them, interrupts and softirqs; neither idle nor stolen
    std::uint64_t softirq_ns = 0;  // of it
    bool operator==(const ProcessorTimes&) const = default;
};

// One tick of the kernel's interface to programs (USER_HZ, 100 a second).
std::uint64_t processor_time_step_ns();

// Of the processors that are online, as proc/stat below `root` lists them.
Result<std::vector<ProcessorTimes>> processor_times(const Root& root);

// What the processors that both lists have did between the two: "busy-time" and "softirq-time" in nanoseconds. Missing
// where the time between them was too short for steps of processor_time_step_ns.
std::vector<model::ProcessorReading> time_readings(std::span<const ProcessorTimes> before,
                                                   std::span<const ProcessorTimes> after,
                                                   std::chrono::nanoseconds between);

}  // namespace netio::kernel
