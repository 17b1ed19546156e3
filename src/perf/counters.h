// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "model/capture.h"
#include "perf/api.h"
#include "perf/events.h"
#include "perf/refusal.h"

namespace netio::perf {

// A thread to count, by its id in the pid namespace of this process.
struct CountedThread {
    model::Role role = model::Role::server;
    std::int32_t thread_id = 0;
};

// Every event of the catalogue for every given thread, and for the threads those start later. Opened disabled: only
// what lies between enable() and disable() is counted. An event that cannot be had is a reading with its reason.
class CounterSet {
 public:
    explicit CounterSet(std::span<const CountedThread> threads, const Host& host = host_facts(),
                        Api& api = kernel_api());

    void enable();
    void disable();
    // One reading for each thread, event and space, in that order; raw counts with both times. A thread that never
    // ran in the window reads 0 with both times 0, which is exact; see ledger::scaled for the rest.
    std::vector<model::CounterReading> read() const;
    // How many events could be opened.
    std::size_t opened() const;

 private:
    struct Counter {
        CountedThread thread;
        Event event;
        Space space;
        Fd fd;
        bool leads;           // enabled and disabled by itself; the others follow the leader before them
        std::string refusal;  // empty while the counter can be trusted
    };

    void open_thread(const CountedThread& thread, const Host& host);
    Counter open_counter(const CountedThread& thread, const Event& event, Space space, int leader, const Host& host);
    void turn(Switch to);
    model::CounterReading reading(const Counter& counter) const;

    Api* api_;
    bool enabled_once_ = false;
    std::vector<Counter> counters_;
};

}  // namespace netio::perf
