// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "model/capture.h"
#include "perf/api.h"
#include "perf/plan.h"
#include "perf/refusal.h"

namespace netio::perf {

// What one event counted on one PMU for one target.
struct Counted {
    std::size_t target = 0;  // which of the targets
    std::string event;
    std::string pmu;  // empty where there is but one
    Space space = Space::all;
    model::Figure<std::uint64_t> count;
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
};

// Events for several targets, each opened by itself or in the group of its PMU and space. Opened disabled: only what
// lies between enable() and disable() is counted. An event that cannot be had is a count with its reason.
class EventSet {
 public:
    explicit EventSet(const Host& host, Api& api) : host_(host), api_(&api) {}

    void add(std::size_t number, const Target& target, std::span<const PlannedEvent> events, Scope scope, Space space);
    void enable();
    void disable();
    // In the order in which they were added; raw counts with both times.
    std::vector<Counted> read() const;
    // How many events could be opened.
    std::size_t opened() const;
    // Of each event and PMU in the same order, why it cannot be had; empty: it can.
    std::vector<std::string> refusals() const;

 private:
    struct Counter {
        std::size_t target;
        std::string event;
        std::string pmu;
        Space space;
        Group group;
        std::size_t leader;  // the counter that this one is turned on and off with: itself, or its group's first
        Fd fd;
        std::string refusal;  // empty while the counter can be trusted
    };
    struct Opening {
        Target target;
        Scope scope{};
        const PlannedEvent* event = nullptr;
        const EventPart* part = nullptr;
    };

    std::size_t leader_for(const Counter& counter) const;
    void open(Counter& counter, const Opening& opening);
    void turn(Switch to);
    void read(const Counter& counter, Counted& counted) const;

    Host host_;
    Api* api_;
    bool enabled_once_ = false;
    std::vector<Counter> counters_;
};

// A thread to count, by its id in the pid namespace of this process.
struct CountedThread {
    model::Role role = model::Role::server;
    std::int32_t thread_id = 0;
};

// Every event of the plan for every given thread, and for the threads those start later.
class CounterSet {
 public:
    explicit CounterSet(std::span<const CountedThread> threads, std::span<const PlannedEvent> plan,
                        const Host& host = host_facts(), Api& api = kernel_api());

    void enable() { events_.enable(); }
    void disable() { events_.disable(); }
    // One reading for each thread, space, event and PMU, in that order. A thread that never ran in the window reads 0
    // with both times 0, which is exact; see ledger::scaled for the rest.
    std::vector<model::CounterReading> read() const;
    std::size_t opened() const { return events_.opened(); }

 private:
    std::vector<CountedThread> threads_;
    EventSet events_;
};

// Every event of the plan that is counted of the machine, on every processor: all tasks and all that interrupts them.
class MachineCounters {
 public:
    explicit MachineCounters(std::span<const std::uint32_t> cpus, std::span<const PlannedEvent> plan,
                             const Host& host = host_facts(), Api& api = kernel_api());

    void enable() { events_.enable(); }
    void disable() { events_.disable(); }
    // One reading for each processor, event and PMU, in that order.
    std::vector<model::ProcessorReading> read() const;
    std::size_t opened() const { return events_.opened(); }

 private:
    std::vector<std::uint32_t> cpus_;
    EventSet events_;
};

}  // namespace netio::perf
