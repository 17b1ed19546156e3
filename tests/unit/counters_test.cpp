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
using netio::model::CounterReading;
using netio::model::CounterRow;
using netio::model::Role;
using Count = netio::model::Figure<std::uint64_t>;

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

CounterReading reading(Role role, std::int32_t thread, std::string event, std::string space, Count count,
                       std::uint64_t enabled = 100, std::uint64_t running = 100) {
    return CounterReading{role, thread, std::move(event), std::move(space), std::move(count), enabled, running};
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
