// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

// Hardware events are counted in user and in kernel space, software events once for both (perf/events.h): two tables,
// the server's and the client's threads side by side where the page is wide enough. Events that nobody counted are
// named in one line per reason.

namespace netio::report {

namespace {

using model::CounterRow;
using Count = model::Figure<std::uint64_t>;

constexpr std::size_t columns_side_by_side = 80;
constexpr std::size_t longest_event = 22;  // L1-dcache-load-misses, with a mark

// One event, as the server's and as the client's threads caused it.
struct Event {
    std::string name;
    std::vector<CounterRow> rows;  // one for each of the roles
};

bool is_scaled(const Event& event) {
    return std::ranges::any_of(event.rows, [](const CounterRow& row) { return row.running_share < 1; });
}

bool is_time(std::string_view event) {
    return event == "task-clock" || event == "cpu-clock";
}
bool is_split(const CounterRow& row) {
    return row.user.measured() || row.kernel.measured();
}
bool is_counted(const CounterRow& row) {
    return is_split(row) || row.total.measured();
}

// "12 345", "412 k", "1.23 M"; nanoseconds as a time.
std::string amount(std::string_view event, const Count& count) {
    constexpr std::uint64_t written_out = 100'000;
    if (!count.measured()) {
        return std::string{not_available};
    }
    if (is_time(event)) {
        return format_duration(std::chrono::nanoseconds{static_cast<std::int64_t>(count.value())});
    }
    if (count.value() < written_out) {
        return format_count(count.value());
    }
    std::string text = format_bytes(count.value());
    text.pop_back();  // events have the prefix alone
    return text;
}

// What happens a few times a run: per byte it is a nought with digits behind it.
bool is_rare(std::string_view event) {
    return event == "context-switches" || event == "page-faults" || event == "cpu-migrations";
}

std::string per_byte(std::string_view event, const model::Figure<double>& figure) {
    constexpr double least = 0.001;
    if (is_rare(event)) {
        return {};
    }
    if (!figure.measured()) {
        return std::string{not_available};
    }
    const double value = figure.value();
    const std::string unit = is_time(event) ? " ns" : "";
    if (value <= 0) {
        return "0" + unit;
    }
    if (value < least) {
        return "<0.001" + unit;
    }
    return format_ratio(value, value < 1 ? 3 : value < 100 ? 2 : 0) + unit;
}

// The reason that says most: the default of a figure says nothing.
std::string reason_of(const CounterRow& row) {
    const std::string nothing = Count{}.reason();
    for (const Count* figure : {&row.total, &row.user, &row.kernel}) {
        if (!figure->measured() && figure->reason() != nothing) {
            return figure->reason();
        }
    }
    return nothing;
}

std::vector<model::Role> roles_in(const std::vector<CounterRow>& counters) {
    std::vector<model::Role> roles;
    for (const auto& role : model::role_names) {
        if (std::ranges::any_of(counters, [&](const CounterRow& row) { return row.role == role.value; })) {
            roles.push_back(role.value);
        }
    }
    return roles;
}

CounterRow row_of(const std::vector<CounterRow>& counters, const std::string& event, model::Role role) {
    const auto found =
        std::ranges::find_if(counters, [&](const CounterRow& row) { return row.event == event && row.role == role; });
    if (found != counters.end()) {
        return *found;
    }
    CounterRow nothing;
    nothing.role = role;
    nothing.event = event;
    return nothing;
}

// Every event in the order of its first row.
std::vector<Event> events_in(const std::vector<CounterRow>& counters, const std::vector<model::Role>& roles) {
    std::vector<Event> events;
    for (const auto& row : counters) {
        if (std::ranges::any_of(events, [&](const Event& event) { return event.name == row.event; })) {
            continue;
        }
        Event event{row.event, {}};
        for (const auto role : roles) {
            event.rows.push_back(row_of(counters, row.event, role));
        }
        events.push_back(std::move(event));
    }
    return events;
}

// A column of figures that each role has.
struct Quantity {
    std::string heading;
    std::string (*show)(const CounterRow& row);
};

std::vector<Quantity> quantities_of(model::Role role, bool split) {
    const std::string name{model::to_string(role)};
    const std::string per = unbreakable("per byte");
    const auto user = [](const CounterRow& row) { return amount(row.event, row.user); };
    const auto kernel = [](const CounterRow& row) { return amount(row.event, row.kernel); };
    const auto total = [](const CounterRow& row) { return amount(row.event, row.total); };
    const auto relative = [](const CounterRow& row) { return per_byte(row.event, row.per_byte); };
    if (split) {
        return {{name + " user", user}, {name + " kernel", kernel}, {name + " " + per, relative}};
    }
    return {{name, total}, {per, relative}};
}

using Events = std::vector<const Event*>;

std::string shown_name(const Event& event) {
    return event.name + (is_scaled(event) ? "*" : "");
}

// Both tables give the names the same width, so that they read as one.
std::size_t name_width_of(const Events& events) {
    std::size_t width = 1;
    for (const Event* event : events) {
        width = std::max(width, std::min(display_width(shown_name(*event)), longest_event));
    }
    return width;
}

// The events as the roles first ... last - 1 of their rows caused them.
Grid grid_of(const Events& events, std::size_t first, std::size_t last, bool split, std::size_t name_width) {
    constexpr std::size_t number_width = 7;  // "12.3 ms"
    constexpr std::size_t relative_width = 8;
    Grid grid{"", 2, {{Align::left, longest_event, name_width}}, {{{}}}};
    for (const Event* event : events) {
        grid.rows.push_back({{shown_name(*event)}});
    }
    for (std::size_t role = first; role < last; ++role) {
        const auto quantities = quantities_of(events.front()->rows[role].role, split);
        for (const auto& quantity : quantities) {
            const bool relative = &quantity == &quantities.back();
            grid.columns.push_back({Align::right, relative ? relative_width : number_width});
            grid.rows[0].push_back({quantity.heading});
            for (std::size_t at = 0; at < events.size(); ++at) {
                grid.rows[at + 1].push_back({quantity.show(events[at]->rows[role])});
            }
        }
    }
    return grid;
}

void put_events(Page& page, const Events& events, bool split, std::size_t name_width, std::string& title) {
    if (events.empty()) {
        return;
    }
    const std::size_t roles = events.front()->rows.size();
    const std::size_t at_once = page.columns() >= columns_side_by_side ? roles : 1;
    for (std::size_t first = 0; first < roles; first += at_once) {
        Grid grid = grid_of(events, first, first + at_once, split, name_width);
        grid.title = std::exchange(title, {});
        page.grid(grid);
    }
}

// Why cells of an event that somebody counted say n/a.
void explain_cells(const Event& event, bool split, Missing& missing) {
    for (const auto& row : event.rows) {
        const std::string role{model::to_string(row.role)};
        if (!is_counted(row)) {
            missing.add(role + " " + event.name, reason_of(row));
            continue;
        }
        if (split) {
            missing.add_unless_measured(role + " user", row.user);
            missing.add_unless_measured(role + " kernel", row.kernel);
        }
        if (!is_rare(row.event)) {
            missing.add_unless_measured(role + " per byte", row.per_byte);
        }
    }
}

// The smallest share of the time that a counter had the hardware for itself; 1 where none had to share it.
double smallest_share(const std::vector<CounterRow>& counters) {
    double smallest = 1;
    for (const auto& row : counters) {
        smallest = std::min(smallest, row.running_share);
    }
    return smallest;
}

void put_notes(Page& page, std::string& title, const std::vector<std::string>& notes) {
    for (const auto& note : notes) {
        if (title.empty()) {
            page.text({unbreakable("  ") + note}, 4);
        } else {
            page.section(std::exchange(title, {}), {{note}});
        }
    }
}

}  // namespace

void put_counters(Page& page, const std::vector<CounterRow>& counters) {
    const std::vector<Event> events = events_in(counters, roles_in(counters));
    Events split, whole;
    Missing missing;
    for (const auto& event : events) {
        if (std::ranges::none_of(event.rows, is_counted)) {
            missing.add(event.name, reason_of(event.rows.front()));
            continue;
        }
        const bool apart = std::ranges::any_of(event.rows, is_split);
        (apart ? split : whole).push_back(&event);
        explain_cells(event, apart, missing);
    }
    std::string title = "CPU";
    const std::size_t name_width = std::max(name_width_of(split), name_width_of(whole));
    put_events(page, split, true, name_width, title);
    put_events(page, whole, false, name_width, title);
    std::vector<std::string> notes = missing.sentences();
    if (const double share = smallest_share(counters); share < 1) {
        notes.insert(notes.begin(), "* scaled: the counter shared its hardware and ran " + format_percent(share) +
                                        " of the time or more");
    }
    put_notes(page, title, notes);
}

}  // namespace netio::report
