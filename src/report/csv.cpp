// SPDX-License-Identifier: MIT
#include "report/csv.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "report/figures.h"

namespace netio::report {

namespace {

using model::Report;

struct Field {
    std::string name;
    std::string value;  // empty: not measured
};
using Fields = std::vector<Field>;

template <class T>
void add(Fields& fields, std::string name, const T& value) {
    fields.push_back({std::move(name), fmt::format("{}", value)});
}

void add(Fields& fields, std::string name, double value) {
    fields.push_back({std::move(name), std::isfinite(value) ? fmt::format("{}", value) : std::string{}});
}

template <class T>
void add(Fields& fields, std::string name, const model::Figure<T>& figure) {
    if (figure.measured()) {
        add(fields, std::move(name), figure.value());
    } else {
        fields.push_back({std::move(name), {}});
    }
}

model::Figure<std::uint64_t> account_bytes(const Report& report, std::string_view id) {
    const auto& accounts = report.ledger.accounts;
    const auto found = std::ranges::find(accounts, id, &model::Account::id);
    return found == accounts.end() ? model::Figure<std::uint64_t>{} : found->bytes;
}

bool is_attached(const Report& report, std::string_view name) {
    return std::ranges::any_of(report.coverage, [&](const model::ProbeFacts& probe) {
        return probe.probe == name && probe.tier != model::Tier::none;
    });
}

// The sum of the accounts "late.<cause>". It is known only where both kinds of late copies were watched: a part must
// not pass for the whole, nor an unwatched run for one without copies.
model::Figure<std::uint64_t> late_bytes(const Report& report) {
    if (!is_attached(report, "late-copy") || !is_attached(report, "linearise")) {
        return {};
    }
    std::uint64_t sum = 0;
    for (const auto& account : report.ledger.accounts) {
        if (!account.id.starts_with("late.")) {
            continue;
        }
        if (!account.bytes.measured()) {
            return account.bytes;
        }
        sum += account.bytes.value();
    }
    return sum;
}

void add_spec(Fields& fields, const Report& report) {
    add(fields, "mode", model::to_string(report.spec.mode));
    add(fields, "size_bytes", report.spec.size_bytes);
    add(fields, "threads", report.spec.threads);
    add(fields, "path", model::to_string(report.spec.path));
    add(fields, "provoke", report.spec.provoke);
    add(fields, "messages", report.spec.messages);
    add(fields, "duration_ns", report.spec.duration_ns);
    add(fields, "wall_ns", report.wall_ns);
}

void add_ledger(Fields& fields, const Report& report) {
    add(fields, "payload_bytes", report.ledger.payload_bytes);
    add(fields, "send_calls", report.ledger.send_calls);
    add(fields, "serialised_bytes", account_bytes(report, "program.serialised"));
    add(fields, "copied_in_bytes", account_bytes(report, "sent.copied"));
    add(fields, "pinned_bytes", account_bytes(report, "sent.pinned"));
    add(fields, "spliced_bytes", account_bytes(report, "sent.spliced"));
    add(fields, "late_copied_bytes", late_bytes(report));
    add(fields, "silent_bytes", report.witnesses.moved_silent_bytes);
    add(fields, "left_uncopied_bytes", account_bytes(report, "left.uncopied"));
    add(fields, "received_bytes", account_bytes(report, "received.copied"));
    add(fields, "unexplained_bytes", report.ledger.unexplained_bytes);
    add(fields, "copies_per_byte_ratio", report.ledger.copies_per_byte);
    add(fields, "sender_copies_per_byte_ratio", report.ledger.sender_copies_per_byte);
    add(fields, "throughput_bits_per_second", report.throughput_bits_per_second);
}

void add_latencies(Fields& fields, const Report& report) {
    using Name = std::pair<std::string_view, std::string_view>;
    constexpr std::array<Name, 3> names{
        {{"send-call", "send_call"}, {"delivery", "delivery"}, {"completion", "completion"}}};
    for (const auto& [id, name] : names) {
        const auto found = std::ranges::find(report.latencies, id, &model::Latency::id);
        const model::Latency latency = found == report.latencies.end() ? model::Latency{} : *found;
        add(fields, fmt::format("{}_p50_ns", name), latency.p50_ns);
        add(fields, fmt::format("{}_p90_ns", name), latency.p90_ns);
        add(fields, fmt::format("{}_p99_ns", name), latency.p99_ns);
        add(fields, fmt::format("{}_p999_ns", name), latency.p999_ns);
    }
}

void add_conclusions(Fields& fields, const Report& report) {
    add(fields, "told_copied_calls", report.witnesses.told_copied_calls);
    add(fields, "recorded_copied_calls", report.witnesses.recorded_copied_calls);
    const bool any = !report.findings.empty();
    const bool known = any && report.findings[0].bytes.measured();
    fields.push_back({"top_cause", any ? report.findings[0].cause : std::string{}});
    add(fields, "top_cause_share_ratio",
        known ? model::Figure<double>{report.findings[0].share} : model::Figure<double>{});
}

using Column = std::pair<std::string_view, std::string_view>;
constexpr std::array<Column, 10> standard_events{{{"cycles", "cycles"},
                                                  {"instructions", "instructions"},
                                                  {"cache-references", "cache_references"},
                                                  {"cache-misses", "cache_misses"},
                                                  {"L1-dcache-load-misses", "l1_dcache_load_misses"},
                                                  {"LLC-load-misses", "llc_load_misses"},
                                                  {"task-clock", "task_clock_ns"},
                                                  {"context-switches", "context_switches"},
                                                  {"page-faults", "page_faults"},
                                                  {"cpu-migrations", "cpu_migrations"}}};
constexpr std::array<Column, 7> machine_events{{{"cycles", "cycles"},
                                                {"instructions", "instructions"},
                                                {"context-switches", "context_switches"},
                                                {"page-faults", "page_faults"},
                                                {"cpu-migrations", "cpu_migrations"},
                                                {"busy-time", "busy_time_ns"},
                                                {"softirq-time", "softirq_time_ns"}}};

model::Figure<std::uint64_t> counted(const Report& report, model::Role role, std::string_view event) {
    const auto found = std::ranges::find_if(
        report.counters, [&](const model::CounterRow& row) { return row.role == role && row.event == event; });
    return found == report.counters.end() ? model::Figure<std::uint64_t>{} : found->total;
}

model::Figure<std::uint64_t> counted_of_machine(const Report& report, std::string_view event) {
    const auto rows = report.machine_counters ? report.machine_counters->rows : std::vector<model::MachineRow>{};
    const auto found = std::ranges::find(rows, event, &model::MachineRow::event);
    return found == rows.end() ? model::Figure<std::uint64_t>{} : found->total;
}

// Totals of user and kernel space under perf's names, in the order of perf/events.h.
void add_counters(Fields& fields, const Report& report) {
    for (const auto& role : model::role_names) {
        for (const auto& [event, column] : standard_events) {
            add(fields, fmt::format("{}_{}", role.text, column), counted(report, role.value, event));
        }
    }
    for (const auto& [event, column] : machine_events) {
        add(fields, fmt::format("machine_{}", column), counted_of_machine(report, event));
    }
}

// "cpu/event=0x3c,umask=0x1/" -> "cpu_event_0x3c_umask_0x1".
std::string column_of(std::string_view event) {
    std::string column;
    for (const char letter : event) {
        const bool upper = letter >= 'A' && letter <= 'Z';
        const bool kept = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
        column += upper ? static_cast<char>(letter - 'A' + 'a') : kept ? letter : '_';
    }
    return column.ends_with('_') ? column.substr(0, column.size() - 1) : column;
}

template <std::size_t N>
bool is_among(const std::array<Column, N>& columns, std::string_view event) {
    return std::ranges::any_of(columns, [&](const Column& column) { return column.first == event; });
}

// Those that were asked for by name: columns that only such reports have.
void add_extra_events(Fields& fields, const Report& report) {
    std::vector<std::string> events;
    const auto note = [&](const std::string& event) {
        if (!is_among(standard_events, event) && !is_among(machine_events, event) &&
            std::ranges::find(events, event) == events.end()) {
            events.push_back(event);
        }
    };
    for (const auto& row : report.counters) {
        note(row.event);
    }
    for (const auto& row : report.machine_counters ? report.machine_counters->rows : std::vector<model::MachineRow>{}) {
        note(row.event);
    }
    for (const auto& event : events) {
        for (const auto& role : model::role_names) {
            add(fields, fmt::format("{}_{}", role.text, column_of(event)), counted(report, role.value, event));
        }
        add(fields, "machine_" + column_of(event), counted_of_machine(report, event));
    }
}

// What a payload byte cost by class of the profile (docs/stages.json), in the unit that was sampled; the other unit's
// cells stay empty, so that no column ever holds both.
void add_profile(Fields& fields, const Report& report) {
    constexpr std::array<std::string_view, 14> classes{
        "program", "copy-in", "copy-late",      "copy-out",   "page-pinning", "completion-notification",
        "memory",  "tcp-ip",  "device-softirq", "scheduling", "system-call",  "locks",
        "tracing", "other"};
    for (const std::string_view unit : {"ns", "cycles"}) {
        const bool sampled = report.profile && report.profile->unit == unit;
        for (const std::string_view id : classes) {
            std::string column = fmt::format("profile_{}_{}_per_byte", id, unit);
            std::ranges::replace(column, '-', '_');
            model::Figure<double> cost;
            if (sampled) {
                const auto found = std::ranges::find(report.profile->stages, id, &model::StageCost::id);
                cost = found == report.profile->stages.end() ? cost : found->per_byte;
            }
            add(fields, std::move(column), cost);
        }
        add(fields, fmt::format("profile_sum_{}_per_byte", unit),
            sampled ? report.profile->total.per_byte : model::Figure<double>{});
    }
}

void add_environment(Fields& fields, const Report& report) {
    fields.push_back({"kernel_release", report.environment.kernel_release});
    fields.push_back({"interrupted", report.interrupted});
    fields.push_back({"tier", join(tiers_used(report.coverage), "+")});
}

Fields fields_of(const Report& report) {
    Fields fields;
    for (const auto part : {add_spec, add_ledger, add_latencies, add_conclusions, add_counters, add_extra_events,
                            add_profile, add_environment}) {
        part(fields, report);
    }
    return fields;
}

std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string result = "\"";
    for (const char letter : text) {
        result += letter == '"' ? std::string{"\"\""} : std::string{letter};
    }
    return result + '"';
}

std::string record(const Fields& fields, std::string Field::*part) {
    std::vector<std::string> cells;
    for (const auto& field : fields) {
        cells.push_back(quoted(field.*part));
    }
    return join(cells, ",") + "\n";
}

}  // namespace

std::string csv_header(const Report& report) {
    return record(fields_of(report), &Field::name);
}

std::string csv_row(const Report& report) {
    return record(fields_of(report), &Field::value);
}

std::string render_csv(const Report& report) {
    return csv_header(report) + csv_row(report);
}

}  // namespace netio::report
