// SPDX-License-Identifier: MIT
#include "perf/counters.h"

#include <algorithm>

#include "base/result.h"

namespace netio::perf {

CounterSet::CounterSet(std::span<const CountedThread> threads, const Host& host, Api& api) : api_(&api) {
    counters_.reserve(threads.size() * (2 * hardware_events.size() + software_events.size()));
    for (const CountedThread& thread : threads) {
        open_thread(thread, host);
    }
}

void CounterSet::open_thread(const CountedThread& thread, const Host& host) {
    for (const Space space : {Space::user, Space::kernel}) {
        int leader = -1;
        Group group = Group::none;
        for (const Event& event : hardware_events) {
            const bool joins = event.group != Group::none && event.group == group;
            counters_.push_back(open_counter(thread, event, space, joins ? leader : -1, host));
            const Counter& opened = counters_.back();
            if (opened.leads && opened.fd.valid()) {
                leader = opened.fd.get();
                group = event.group;
            }
        }
    }
    for (const Event& event : software_events) {
        counters_.push_back(open_counter(thread, event, Space::all, -1, host));
    }
}

// A PMU with too few counters refuses the group but may give each event alone, taking turns (multiplexed).
CounterSet::Counter CounterSet::open_counter(const CountedThread& thread, const Event& event, Space space, int leader,
                                             const Host& host) {
    const perf_event_attr attr = attributes(event, space);
    auto opened = api_->open(attr, thread.thread_id, leader);
    bool leads = leader < 0;
    if (!opened && !leads) {
        opened = api_->open(attr, thread.thread_id, -1);
        leads = true;
    }
    if (!opened) {
        return Counter{thread, event, space, Fd{}, leads, refusal(opened.error(), event, host)};
    }
    return Counter{thread, event, space, std::move(*opened), leads, {}};
}

void CounterSet::enable() {
    enabled_once_ = true;
    turn(Switch::on);
}

void CounterSet::disable() {
    turn(Switch::off);
}

void CounterSet::turn(Switch to) {
    int error = 0;  // of the leader; what it says holds for the followers after it
    for (Counter& counter : counters_) {
        if (!counter.fd.valid()) {
            continue;
        }
        if (counter.leads) {
            error = api_->turn(counter.fd, to);
        }
        if (error != 0) {
            counter.refusal = to == Switch::on ? "could not be enabled: " : "could not be disabled: ";
            counter.refusal += errno_text(error);
        }
    }
}

std::vector<model::CounterReading> CounterSet::read() const {
    std::vector<model::CounterReading> readings;
    readings.reserve(counters_.size());
    for (const Counter& counter : counters_) {
        readings.push_back(reading(counter));
    }
    return readings;
}

std::size_t CounterSet::opened() const {
    return static_cast<std::size_t>(
        std::count_if(counters_.begin(), counters_.end(), [](const Counter& counter) { return counter.fd.valid(); }));
}

model::CounterReading CounterSet::reading(const Counter& counter) const {
    using Count = model::Figure<std::uint64_t>;
    model::CounterReading reading{counter.thread.role,
                                  counter.thread.thread_id,
                                  std::string(counter.event.name),
                                  std::string(to_string(counter.space)),
                                  Count::missing(counter.refusal),
                                  0,
                                  0};
    if (!counter.refusal.empty()) {
        return reading;
    }
    if (!enabled_once_) {
        reading.count = Count::missing("the counters were never enabled");
        return reading;
    }
    const auto sample = api_->read(counter.fd);
    if (!sample) {
        reading.count = Count::missing("could not be read: " + errno_text(sample.error()));
        return reading;
    }
    reading.count = sample->count;
    reading.enabled_ns = sample->enabled_ns;
    reading.running_ns = sample->running_ns;
    return reading;
}

}  // namespace netio::perf
