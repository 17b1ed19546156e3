// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "cases.h"
#include "perf/counters.h"
#include "perf/plan.h"

// Hardware counters on a processor that has them: what they count is what was done. Where there are none, as in most
// virtual machines, these cases are skipped; the guests of arm64 have them (docs/arm64.md).

using namespace netio;
using model::CounterReading;

namespace {

using Readings = std::vector<CounterReading>;

// What `work` on the calling thread, and on threads that it starts, is counted as.
Readings counted(const std::function<void()>& work) {
    const perf::CountedThread self{model::Role::server, static_cast<std::int32_t>(::gettid())};
    const auto pmus = perf::find_pmus();
    const auto naming = perf::takes_extended_types(pmus) ? perf::Naming::extended : perf::Naming::own;
    const auto plan = perf::plan_catalogue(pmus, naming);
    perf::CounterSet counters({&self, 1}, plan);
    counters.enable();
    work();
    counters.disable();
    return counters.read();
}

const CounterReading& reading(const Readings& readings, std::string_view event, std::string_view space) {
    for (const CounterReading& one : readings) {
        if (one.event == event && one.space == space) {
            return one;
        }
    }
    FAIL("there is no reading of " << event << " in " << space << " space");
    return readings.front();
}

std::uint64_t instructions(const Readings& readings, std::string_view space) {
    return reading(readings, "instructions", space).count.value_or(0);
}

// True: the case has been marked as skipped.
bool skipped_without_counters() {
    const Readings nothing = counted([] {});
    for (const char* space : {"user", "kernel"}) {
        const auto& count = reading(nothing, "instructions", space).count;
        if (!count.measured()) {
            cases::skip(count.reason());
            return true;
        }
    }
    return false;
}

// The same number of instructions for every turn.
void turn(std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
        asm volatile("" ::: "memory");
    }
}

void call_kernel(int times) {
    for (int i = 0; i < times; ++i) {
        (void)::syscall(SYS_getppid);
    }
}

constexpr std::uint64_t turns = 1'000'000;
constexpr int calls = 10'000;

}  // namespace

TEST_CASE("hardware: a program's instructions are counted in user space, in proportion to what it does") {
    if (skipped_without_counters()) {
        return;
    }
    const Readings once = counted([] { turn(turns); });
    const Readings thrice = counted([] { turn(3 * turns); });
    const auto single = static_cast<double>(instructions(once, "user"));
    CHECK(single >= 3.0 * turns);  // a turn counts, compares and jumps
    CHECK(static_cast<double>(instructions(thrice, "user")) == doctest::Approx(3 * single).epsilon(0.01));
    CHECK(instructions(thrice, "kernel") < instructions(thrice, "user"));
}

TEST_CASE("hardware: what system calls do is counted in kernel space") {
    if (skipped_without_counters()) {
        return;
    }
    const Readings none = counted([] {});
    const Readings many = counted([] { call_kernel(calls); });
    const auto per_call = (instructions(many, "kernel") - instructions(none, "kernel")) / calls;
    CHECK(per_call >= 20);
    CHECK(per_call < 20'000);
}

TEST_CASE("hardware: threads that are started later are counted as well") {
    if (skipped_without_counters()) {
        return;
    }
    const Readings alone = counted([] { turn(turns); });
    const Readings both = counted([] {
        std::thread other([] { turn(turns); });
        turn(turns);
        other.join();
    });
    CHECK(static_cast<double>(instructions(both, "user")) ==
          doctest::Approx(2.0 * static_cast<double>(instructions(alone, "user"))).epsilon(0.05));
}

TEST_CASE("hardware: cycles and instructions of one space are counted at the same moments") {
    if (skipped_without_counters()) {
        return;
    }
    const Readings readings = counted([] { turn(turns); });
    for (const char* space : {"user", "kernel"}) {
        const CounterReading& cycles = reading(readings, "cycles", space);
        const CounterReading& other = reading(readings, "instructions", space);
        CHECK(cycles.count.value_or(0) > 0);
        CHECK(cycles.running_ns > 0);
        CHECK(cycles.running_ns == other.running_ns);
        CHECK(cycles.enabled_ns == other.enabled_ns);
    }
}
