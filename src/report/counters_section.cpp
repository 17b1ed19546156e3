// SPDX-License-Identifier: MIT
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/words.h"
#include "report/counter_figures.h"
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
    bool part = false;             // what one of several PMUs counted of the event before
};

bool is_scaled(const Event& event) {
    return std::ranges::any_of(event.rows, [](const CounterRow& row) { return row.running_share < 1; });
}

bool is_split(const CounterRow& row) {
    return row.user.measured() || row.kernel.measured();
}
bool is_counted(const CounterRow& row) {
    return is_split(row) || row.total.measured();
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

// What each PMU counted of an event, where there are several: as rows below its own.
std::vector<Event> parts_of(const Event& event) {
    std::vector<Event> parts;
    for (std::size_t role = 0; role < event.rows.size(); ++role) {
        for (const auto& part : event.rows[role].parts) {
            auto found = std::ranges::find(parts, "on " + part.pmu, &Event::name);
            if (found == parts.end()) {
                found = parts.insert(found, {"on " + part.pmu, event.rows, true});
                for (auto& row : found->rows) {
                    row = CounterRow{row.role, "", {}, {}, {}, {}, 1.0, {}, {}};
                }
            }
            CounterRow& row = found->rows[role];
            row.user = part.user;
            row.kernel = part.kernel;
            row.total = part.total;
        }
    }
    return parts;
}

bool is_on_several(const Event& event) {
    return std::ranges::any_of(event.rows, [](const CounterRow& row) { return row.parts.size() > 1; });
}

// Every event with the rows of its parts behind it.
std::vector<Event> with_parts(std::vector<Event> events) {
    std::vector<Event> all;
    for (auto& event : events) {
        std::vector<Event> parts = is_on_several(event) ? parts_of(event) : std::vector<Event>{};
        all.push_back(std::move(event));
        std::ranges::move(parts, std::back_inserter(all));
    }
    return all;
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
    const auto relative = [](const CounterRow& row) {
        return row.event.empty() ? std::string{} : per_byte(row.event, row.per_byte);  // parts have none
    };
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

// The six of every run.
bool is_hardware(std::string_view event) {
    return is_one_of(event, {"cycles", "instructions", "cache-references", "cache-misses", "L1-dcache-load-misses",
                             "LLC-load-misses"});
}

// Whether one reason stands for all of them, as on every machine without a PMU.
bool hardware_is_missing_alike(const std::vector<Event>& events) {
    std::set<std::string> reasons;
    std::size_t count = 0;
    for (const auto& event : events) {
        if (is_hardware(event.name)) {
            const bool missing = std::ranges::none_of(event.rows, is_counted);
            reasons.insert(missing ? reason_of(event.rows.front()) : std::string{});
            ++count;
        }
    }
    return count > 1 && reasons.size() == 1 && !reasons.begin()->empty();
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
    const std::vector<Event> events = with_parts(events_in(counters, roles_in(counters)));
    Events split, whole;
    Missing missing;
    const bool all_alike = hardware_is_missing_alike(events);
    for (const auto& event : events) {
        if (std::ranges::none_of(event.rows, is_counted)) {
            missing.add(all_alike && is_hardware(event.name) ? "each hardware event" : event.name,
                        reason_of(event.rows.front()));
            continue;
        }
        const bool apart = std::ranges::any_of(event.rows, is_split);
        (apart ? split : whole).push_back(&event);
        if (!event.part) {
            explain_cells(event, apart, missing);
        }
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
