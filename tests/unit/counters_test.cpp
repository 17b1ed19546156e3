// SPDX-License-Identifier: MIT
#include "ledger/counters.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using netio::ledger::scaled;
using netio::ledger::summarize_counters;
using netio::ledger::summarize_machine;
using netio::model::CounterReading;
using netio::model::CounterRow;
using netio::model::ProcessorReading;
using netio::model::Role;
using Count = netio::model::Figure<std::uint64_t>;

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

CounterReading reading(Role role, std::int32_t thread, std::string event, std::string space, Count count,
                       std::uint64_t enabled = 100, std::uint64_t running = 100) {
    return CounterReading{role, thread, std::move(event), std::move(space), std::move(count), enabled, running};
}

// A thread's cycles in user space, on one of several PMUs.
CounterReading on(std::string pmu, Count count, std::uint64_t enabled, std::uint64_t running, std::int32_t thread = 1,
                  std::string space = "user") {
    CounterReading made = reading(Role::server, thread, "cycles", std::move(space), std::move(count), enabled, running);
    made.pmu = std::move(pmu);
    return made;
}

ProcessorReading of_cpu(std::uint32_t cpu, std::string event, Count count, std::uint64_t enabled = 100,
                        std::uint64_t running = 100) {
    return {cpu, std::move(event), std::move(count), enabled, running, {}};
}

CounterRow only_row(const std::vector<CounterReading>& readings, const Count& payload = 1000) {
    const auto rows = summarize_counters(readings, payload);
    REQUIRE(rows.size() == 1);
    return rows.front();
}

}  // namespace

TEST_CASE("a counter that ran all the time is not scaled") {
    CHECK(scaled(12345, 1000, 1000).value() == 12345);
    CHECK(scaled(0, 1000, 1000).value() == 0);
    CHECK(scaled(largest, 1000, 1000).value() == largest);
}

TEST_CASE("a counter that ran a part of the time is scaled to the whole") {
    CHECK(scaled(1000, 400, 100).value() == 4000);
    CHECK(scaled(0, 400, 100).value() == 0);
}

TEST_CASE("scaling rounds to the nearest integer") {
    CHECK(scaled(1, 4, 3).value() == 1);    // 1.33
    CHECK(scaled(1, 5, 3).value() == 2);    // 1.67
    CHECK(scaled(1, 3, 2).value() == 2);    // 1.5
    CHECK(scaled(10, 7, 6).value() == 12);  // 11.67
}

TEST_CASE("scaling does not overflow on the way to a result that fits") {
    constexpr std::uint64_t hour_ns = 3'600'000'000'000;
    constexpr std::uint64_t count = 20'000'000'000'000;  // count x enabled is 7.2e25, beyond 64 bits
    CHECK(scaled(count, hour_ns, hour_ns / 2).value() == 2 * count);
    CHECK(scaled(largest / 2, 2, 1).value() == largest - 1);
}

TEST_CASE("a scaled count beyond 64 bits is missing, not wrapped") {
    const Count count = scaled(largest / 2 + 1, 2, 1);
    CHECK_FALSE(count.measured());
    CHECK(count.reason() == "the scaled count exceeds 64 bits");
}

TEST_CASE("a counter that was never scheduled is missing") {
    CHECK_FALSE(scaled(0, 1000, 0).measured());
    CHECK(scaled(0, 1000, 0).reason() == "never scheduled");
    CHECK(scaled(7, 0, 0).reason() == "never scheduled");
}

TEST_CASE("a running time above the enabled time never shrinks a count") {
    CHECK(scaled(50, 99, 100).value() == 50);
}

TEST_CASE("counters are summed over threads, with user and kernel apart") {
    const CounterRow row = only_row({
        reading(Role::server, 1, "cycles", "user", 10),
        reading(Role::server, 1, "cycles", "kernel", 200),
        reading(Role::server, 2, "cycles", "user", 30),
        reading(Role::server, 2, "cycles", "kernel", 260),
    });
    CHECK(row.role == Role::server);
    CHECK(row.event == "cycles");
    CHECK(row.user.value() == 40);
    CHECK(row.kernel.value() == 460);
    CHECK(row.total.value() == 500);
    CHECK(row.running_share == 1.0);
    CHECK(row.per_byte.value() == 0.5);
}

TEST_CASE("each thread is scaled by its own times before the sum") {
    const CounterRow row = only_row({
        reading(Role::client, 1, "cycles", "user", 100, 1000, 500),
        reading(Role::client, 2, "cycles", "user", 100, 1000, 250),
        reading(Role::client, 1, "cycles", "kernel", 7, 1000, 1000),
        reading(Role::client, 2, "cycles", "kernel", 0, 1000, 1000),
    });
    CHECK(row.user.value() == 600);
    CHECK(row.kernel.value() == 7);
    CHECK(row.total.value() == 607);
    CHECK(row.running_share == 0.25);
}

TEST_CASE("roles and events get rows of their own, in the order of the readings") {
    const std::vector<CounterReading> readings{
        reading(Role::server, 1, "task-clock", "all", 1), reading(Role::server, 1, "page-faults", "all", 2),
        reading(Role::client, 2, "task-clock", "all", 3), reading(Role::server, 3, "task-clock", "all", 4)};
    const auto rows = summarize_counters(readings, 10);
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].event == "task-clock");
    CHECK(rows[0].role == Role::server);
    CHECK(rows[0].total.value() == 5);
    CHECK(rows[1].event == "page-faults");
    CHECK(rows[1].total.value() == 2);
    CHECK(rows[2].role == Role::client);
    CHECK(rows[2].total.value() == 3);
    CHECK(rows[2].per_byte.value() == doctest::Approx(0.3));
}

TEST_CASE("an event counted for both spaces at once has a total only") {
    const CounterRow row = only_row({reading(Role::server, 1, "task-clock", "all", 2000)});
    CHECK(row.total.value() == 2000);
    CHECK(row.user.reason() == "not counted apart for user space");
    CHECK(row.kernel.reason() == "not counted apart for kernel space");
    CHECK(row.per_byte.value() == 2.0);
}

TEST_CASE("a missing thread makes the sum missing, and says why") {
    const CounterRow row = only_row({
        reading(Role::server, 1, "cycles", "user", 10),
        reading(Role::server, 2, "cycles", "user", Count::missing("the thread had ended"), 0, 0),
        reading(Role::server, 1, "cycles", "kernel", 20),
        reading(Role::server, 2, "cycles", "kernel", 30),
    });
    CHECK(row.user.reason() == "the thread had ended");
    CHECK(row.kernel.value() == 50);
    CHECK(row.total.reason() == "the thread had ended");
    CHECK(row.per_byte.reason() == "the thread had ended");
    CHECK(row.running_share == 1.0);
}

TEST_CASE("the order of threads does not decide whether a sum is missing") {
    const CounterRow row = only_row({
        reading(Role::server, 2, "page-faults", "all", Count::missing("no PMU"), 0, 0),
        reading(Role::server, 1, "page-faults", "all", 10),
    });
    CHECK(row.total.reason() == "no PMU");
}

TEST_CASE("a space missing on the machine leaves the other one standing") {
    const CounterRow row = only_row({
        reading(Role::server, 1, "cycles", "user", 10),
        reading(Role::server, 1, "cycles", "kernel", Count::missing("paranoid"), 0, 0),
    });
    CHECK(row.user.value() == 10);
    CHECK(row.kernel.reason() == "paranoid");
    CHECK(row.total.reason() == "paranoid");
}

TEST_CASE("a thread that did not run in the window adds nothing") {
    const CounterRow row = only_row({
        reading(Role::server, 1, "task-clock", "all", 0, 0, 0),
        reading(Role::server, 2, "task-clock", "all", 60, 100, 100),
    });
    CHECK(row.total.value() == 60);
    CHECK(row.running_share == 1.0);
    CHECK(only_row({reading(Role::server, 1, "task-clock", "all", 0, 0, 0)}).total.value() == 0);
}

TEST_CASE("a thread that ran while its counter did not makes the sum missing") {
    const CounterRow row = only_row({
        reading(Role::server, 1, "LLC-load-misses", "user", 0, 500, 0),
        reading(Role::server, 2, "LLC-load-misses", "user", 60, 100, 100),
    });
    CHECK(row.user.reason() == "never scheduled");
    CHECK(row.running_share == 0.0);
}

TEST_CASE("a sum beyond 64 bits is missing, not wrapped") {
    const CounterRow row = only_row({
        reading(Role::server, 1, "cycles", "user", largest),
        reading(Role::server, 2, "cycles", "user", 1),
        reading(Role::server, 1, "cycles", "kernel", 0),
    });
    CHECK(row.user.reason() == "the sum exceeds 64 bits");
    CHECK(row.total.reason() == "the sum exceeds 64 bits");
}

TEST_CASE("the ratio needs a payload") {
    const std::vector<CounterReading> readings{reading(Role::server, 1, "task-clock", "all", 5)};
    CHECK(only_row(readings, 0).per_byte.reason() == "no payload was sent");
    CHECK(only_row(readings, Count::missing("the send probe is missing")).per_byte.reason() ==
          "the send probe is missing");
    CHECK(only_row(readings, 0).total.value() == 5);
}

TEST_CASE("no readings, no rows") {
    CHECK(summarize_counters({}, 1000).empty());
}

TEST_CASE("hybrid: what the PMUs of several kinds of cores counted is summed, and the parts are kept") {
    const CounterRow row = only_row({on("cpu_atom", 30, 100, 30), on("cpu_core", 700, 100, 70),
                                     on("cpu_atom", 1, 100, 30, 1, "kernel"), on("cpu_core", 2, 100, 70, 1, "kernel")});
    CHECK(row.user.value() == 730);  // not scaled: 30 % of the time here and 70 % there is all of it
    CHECK(row.kernel.value() == 3);
    CHECK(row.total.value() == 733);
    CHECK(row.running_share == 1.0);
    CHECK(row.counted.value() == 733);
    CHECK(row.per_byte.value() == 0.733);
    REQUIRE(row.parts.size() == 2);
    CHECK(row.parts[0].pmu == "cpu_atom");
    CHECK(row.parts[0].user.value() == 30);
    CHECK(row.parts[0].kernel.value() == 1);
    CHECK(row.parts[0].total.value() == 31);
    CHECK(row.parts[1].pmu == "cpu_core");
    CHECK(row.parts[1].total.value() == 702);
}

TEST_CASE("hybrid: counters that shared their hardware are scaled by all that ran, with one factor") {
    const CounterRow row = only_row({on("cpu_atom", 10, 1000, 100), on("cpu_core", 100, 1000, 400)});
    CHECK(row.user.value() == 220);  // ran for half of the time, wherever
    CHECK(row.running_share == 0.5);
    CHECK(row.counted.value() == 110);
    CHECK(row.parts[0].user.value() == 20);
    CHECK(row.parts[1].user.value() == 200);
}

TEST_CASE("hybrid: each thread has its own factor, and a kind of core it never saw adds nothing") {
    const CounterRow row =
        only_row({on("cpu_atom", 0, 1000, 0, 1), on("cpu_core", 500, 1000, 1000, 1), on("cpu_atom", 40, 200, 50, 2),
                  on("cpu_core", 60, 200, 50, 2), on("cpu_atom", 0, 0, 0, 3), on("cpu_core", 0, 0, 0, 3)});
    CHECK(row.user.value() == 500 + 200);
    CHECK(row.running_share == 0.5);
    CHECK(row.parts[0].user.value() == 80);
    CHECK(row.parts[1].user.value() == 620);
}

TEST_CASE("hybrid: never scheduled on any PMU is missing, not 0") {
    const CounterRow row = only_row({on("cpu_atom", 0, 1000, 0), on("cpu_core", 0, 1000, 0)});
    CHECK(row.user.reason() == "never scheduled");
}

TEST_CASE("hybrid: where one PMU did not count, the sum is missing and the reason says which") {
    const CounterRow row =
        only_row({on("cpu_atom", Count::missing("no such event"), 0, 0), on("cpu_core", 700, 1000, 700),
                  on("cpu_atom", 5, 1000, 300, 1, "kernel"), on("cpu_core", 6, 1000, 700, 1, "kernel")});
    CHECK(row.user.reason() == "on cpu_atom: no such event");
    CHECK(row.total.reason() == "on cpu_atom: no such event");
    CHECK(row.kernel.value() == 11);
    CHECK(row.running_share == 1.0);  // of what was counted
    REQUIRE(row.parts.size() == 2);
    CHECK_FALSE(row.parts[1].user.measured());  // whether it shared its hardware cannot be told from 70 % of the time
    CHECK(row.parts[1].kernel.value() == 6);
}

TEST_CASE("one PMU has no parts") {
    CHECK(only_row({reading(Role::server, 1, "cycles", "user", 10)}).parts.empty());
}

TEST_CASE("what was read is kept beside what it was scaled to") {
    const CounterRow row = only_row({reading(Role::server, 1, "cycles", "user", 10, 100, 50),
                                     reading(Role::server, 1, "cycles", "kernel", 7, 100, 100)});
    CHECK(row.total.value() == 27);
    CHECK(row.counted.value() == 17);
    CHECK(only_row({reading(Role::server, 1, "cycles", "user", Count::missing("no PMU"))}).counted.reason() ==
          "no PMU");
}

TEST_CASE("machine: one row for each event, summed over the processors, each scaled by itself") {
    const std::vector<ProcessorReading> readings{of_cpu(0, "cycles", 100, 1000, 500), of_cpu(0, "page-faults", 3),
                                                 of_cpu(7, "cycles", 70),
                                                 of_cpu(7, "page-faults", Count::missing("went offline"))};
    const auto machine = summarize_machine(readings, 1000);
    CHECK(machine.cpus == 2);
    REQUIRE(machine.rows.size() == 2);
    CHECK(machine.rows[0].event == "cycles");
    CHECK(machine.rows[0].total.value() == 270);
    CHECK(machine.rows[0].counted.value() == 170);
    CHECK(machine.rows[0].running_share == 0.5);
    CHECK(machine.rows[0].per_byte.value() == 0.27);
    CHECK(machine.rows[0].parts.empty());
    CHECK(machine.rows[1].total.reason() == "went offline");
    CHECK(summarize_machine({}, 1000).rows.empty());
}

TEST_CASE("machine: a processor has one kind of core, whose running time is held against its own") {
    std::vector<ProcessorReading> readings{of_cpu(0, "cycles", 100, 1000, 1000), of_cpu(4, "cycles", 30, 1000, 500)};
    readings[0].pmu = "cpu_core";
    readings[1].pmu = "cpu_atom";
    const auto machine = summarize_machine(readings, 1000);
    REQUIRE(machine.rows.size() == 1);
    CHECK(machine.rows[0].total.value() == 160);
    REQUIRE(machine.rows[0].parts.size() == 2);
    CHECK(machine.rows[0].parts[0].pmu == "cpu_core");
    CHECK(machine.rows[0].parts[0].total.value() == 100);
    CHECK(machine.rows[0].parts[1].total.value() == 60);
}
