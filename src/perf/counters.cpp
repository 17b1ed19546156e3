// SPDX-License-Identifier: MIT
#include "perf/counters.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/result.h"

namespace netio::perf {
namespace {

using Count = model::Figure<std::uint64_t>;

std::optional<std::string> named(const std::string& pmu) {
    return pmu.empty() ? std::nullopt : std::optional(pmu);
}

std::vector<PlannedEvent> those(std::span<const PlannedEvent> plan, bool (*wanted)(const PlannedEvent&)) {
    std::vector<PlannedEvent> events;
    std::copy_if(plan.begin(), plan.end(), std::back_inserter(events), wanted);
    return events;
}

// See takes_extended_types().
std::string has_no_such_event(const EventPart& part) {
    return fmt::format("the PMU {} has no name for it, and this kernel cannot be asked for it on one PMU of several",
                       part.pmu);
}

}  // namespace

// A group is of one target, space and PMU; the first of its events that can be had leads it.
std::size_t EventSet::leader_for(const Counter& counter) const {
    const std::size_t itself = counters_.size();
    if (counter.group == Group::none) {
        return itself;
    }
    for (std::size_t at = itself; at-- > 0 && counters_[at].target == counter.target;) {
        const Counter& other = counters_[at];
        if (other.space == counter.space && other.group == counter.group && other.pmu == counter.pmu &&
            other.leader == at && other.fd.valid()) {
            return at;
        }
    }
    return itself;
}

void EventSet::add(std::size_t number, const Target& target, std::span<const PlannedEvent> events, Scope scope,
                   Space space) {
    for (const PlannedEvent& event : events) {
        for (const EventPart& part : event.parts) {
            if (target.cpu != Target::any && !is_on(part, static_cast<std::uint32_t>(target.cpu))) {
                continue;
            }
            Counter counter{number, event.name, part.pmu, space, event.group, 0, Fd{}, {}};
            counter.leader = leader_for(counter);
            open(counter, {target, scope, &event, &part});
            counters_.push_back(std::move(counter));
        }
    }
}

// A PMU with too few counters refuses the group but may give each event alone, taking turns (multiplexed).
void EventSet::open(Counter& counter, const Opening& opening) {
    if (!opening.part->encoding) {
        counter.refusal = has_no_such_event(*opening.part);
        return;
    }
    const auto attempt = [&](bool leads, int group) {
        return api_->open(attributes(*opening.part->encoding, counter.space, opening.scope, leads), opening.target,
                          group);
    };
    const std::size_t itself = counters_.size();
    const bool joins = counter.leader != itself;
    auto opened = joins ? attempt(false, counters_[counter.leader].fd.get()) : attempt(true, -1);
    if (!opened && joins) {
        opened = attempt(true, -1);
        counter.leader = itself;
    }
    if (opened) {
        counter.fd = std::move(*opened);
    } else {
        counter.refusal = refusal(opened.error(), opening.event->type, host_);
    }
}

void EventSet::enable() {
    enabled_once_ = true;
    turn(Switch::on);
}

void EventSet::disable() {
    turn(Switch::off);
}

// What is said of a leader holds for those that are turned with it, which all come after it.
void EventSet::turn(Switch to) {
    std::vector<int> errors(counters_.size(), 0);
    for (std::size_t at = 0; at < counters_.size(); ++at) {
        Counter& counter = counters_[at];
        if (!counter.fd.valid()) {
            continue;
        }
        errors[at] = counter.leader == at ? api_->turn(counter.fd, to) : errors[counter.leader];
        if (errors[at] != 0) {
            counter.refusal = to == Switch::on ? "could not be enabled: " : "could not be disabled: ";
            counter.refusal += errno_text(errors[at]);
        }
    }
}

std::vector<Counted> EventSet::read() const {
    std::vector<Counted> all;
    all.reserve(counters_.size());
    for (const Counter& counter : counters_) {
        Counted& counted = all.emplace_back();
        counted.target = counter.target;
        counted.event = counter.event;
        counted.pmu = counter.pmu;
        counted.space = counter.space;
        read(counter, counted);
    }
    return all;
}

void EventSet::read(const Counter& counter, Counted& counted) const {
    if (!counter.refusal.empty()) {
        counted.count = Count::missing(counter.refusal);
        return;
    }
    if (!enabled_once_) {
        counted.count = Count::missing("the counters were never enabled");
        return;
    }
    const auto sample = api_->read(counter.fd);
    if (!sample) {
        counted.count = Count::missing("could not be read: " + errno_text(sample.error()));
        return;
    }
    counted.count = sample->count;
    counted.enabled_ns = sample->enabled_ns;
    counted.running_ns = sample->running_ns;
}

std::size_t EventSet::opened() const {
    return static_cast<std::size_t>(
        std::count_if(counters_.begin(), counters_.end(), [](const Counter& counter) { return counter.fd.valid(); }));
}

std::vector<std::string> EventSet::refusals() const {
    std::vector<std::string> all;
    for (const Counter& counter : counters_) {
        all.push_back(counter.refusal);
    }
    return all;
}

CounterSet::CounterSet(std::span<const CountedThread> threads, std::span<const PlannedEvent> plan, const Host& host,
                       Api& api)
    : threads_(threads.begin(), threads.end()), events_(host, api) {
    const auto split = those(plan, [](const PlannedEvent& event) { return event.of_threads && event.split; });
    const auto whole = those(plan, [](const PlannedEvent& event) { return event.of_threads && !event.split; });
    for (std::size_t number = 0; number < threads_.size(); ++number) {
        const Target target{threads_[number].thread_id, Target::any};
        events_.add(number, target, split, Scope::threads, Space::user);
        events_.add(number, target, split, Scope::threads, Space::kernel);
        events_.add(number, target, whole, Scope::threads, Space::all);
    }
}

std::vector<model::CounterReading> CounterSet::read() const {
    std::vector<model::CounterReading> readings;
    for (Counted& counted : events_.read()) {
        const CountedThread& thread = threads_[counted.target];
        readings.push_back({thread.role, thread.thread_id, std::move(counted.event),
                            std::string(to_string(counted.space)), std::move(counted.count), counted.enabled_ns,
                            counted.running_ns, named(counted.pmu)});
    }
    return readings;
}

MachineCounters::MachineCounters(std::span<const std::uint32_t> cpus, std::span<const PlannedEvent> plan,
                                 const Host& host, Api& api)
    : cpus_(cpus.begin(), cpus.end()), events_(host, api) {
    const auto events = those(plan, [](const PlannedEvent& event) { return event.of_machine; });
    for (std::size_t number = 0; number < cpus_.size(); ++number) {
        const Target target{Target::any, static_cast<std::int32_t>(cpus_[number])};
        events_.add(number, target, events, Scope::machine, Space::all);
    }
}

std::vector<model::ProcessorReading> MachineCounters::read() const {
    std::vector<model::ProcessorReading> readings;
    for (Counted& counted : events_.read()) {
        readings.push_back({cpus_[counted.target], std::move(counted.event), std::move(counted.count),
                            counted.enabled_ns, counted.running_ns, named(counted.pmu)});
    }
    return readings;
}

}  // namespace netio::perf
