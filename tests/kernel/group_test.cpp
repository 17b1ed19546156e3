// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "perf/counters.h"
#include "perf/cpus.h"

// Groups and inheritance on the running kernel, with events that every kernel has: a group that is turned on by one
// call, and threads that are started later.

using namespace netio::perf;
using netio::model::CounterReading;

namespace {

constexpr std::size_t pages = 64;

// One page fault for each of that many pages.
void touch_pages() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* memory = ::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    ::madvise(memory, pages * page, MADV_NOHUGEPAGE);
    for (std::size_t at = 0; at < pages; ++at) {
        static_cast<volatile char*>(memory)[at * page] = 1;
    }
    ::munmap(memory, pages * page);
}

PlannedEvent grouped(const char* name) {
    PlannedEvent event = plan_symbol(*find_symbol(name), {}, Naming::extended);
    event.group = Group::instructions;
    return event;
}

}  // namespace

TEST_CASE("counters: a group counts from one moment to another, in the threads started meanwhile too") {
    const std::vector<PlannedEvent> plan{grouped("minor-faults"), grouped("page-faults")};
    const std::vector<CountedThread> threads{{netio::model::Role::server, 0}};  // 0: the calling thread
    CounterSet set(threads, plan);
    REQUIRE(set.opened() == 2);
    touch_pages();  // before: not to be counted
    set.enable();
    std::thread(touch_pages).join();
    set.disable();
    touch_pages();  // after: not to be counted
    const std::vector<CounterReading> readings = set.read();
    REQUIRE(readings.size() == 2);
    CHECK(readings[0].count.value() >= pages);
    CHECK(readings[0].count.value() < 2 * pages);
    CHECK(readings[1].count.value() == readings[0].count.value());  // no fault is a major one, and none is missed
    CHECK(readings[1].enabled_ns == readings[0].enabled_ns);
    CHECK(readings[1].running_ns == readings[0].running_ns);
    CHECK(readings[0].running_ns == readings[0].enabled_ns);
    CHECK(readings[0].enabled_ns > 0);
}

TEST_CASE("counters: what the processors did holds what a thread did on them") {
    const std::vector<PlannedEvent> plan{plan_symbol(*find_symbol("page-faults"), {}, Naming::extended)};
    const std::vector<CountedThread> threads{{netio::model::Role::server, 0}};
    CounterSet set(threads, plan);
    MachineCounters machine(online_cpus(), plan);
    REQUIRE(machine.opened() == online_cpus().size());
    machine.enable();
    set.enable();
    touch_pages();
    set.disable();
    machine.disable();
    std::uint64_t all = 0;
    for (const auto& reading : machine.read()) {
        all += reading.count.value();
        CHECK(reading.running_ns == reading.enabled_ns);
    }
    CHECK(set.read()[0].count.value() >= pages);
    CHECK(all >= set.read()[0].count.value());
}
