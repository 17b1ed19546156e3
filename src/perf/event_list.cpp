// SPDX-License-Identifier: MIT
#include "perf/event_list.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"

namespace netio::perf {
namespace {

namespace fs = std::filesystem;

constexpr const char* how_to_list = "--events help, which lists what there is";

Unexpected no_event(std::string_view text, const std::string& why, const std::string& advice,
                    ExitCode code = ExitCode::usage) {
    return fail(fmt::format("--events {}", text), why, advice.empty() ? how_to_list : advice, code);
}

std::string nearest_of(std::string_view word, const std::vector<std::string>& names) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    return nearest(word, views);
}

std::vector<std::string> keys_of(const std::map<std::string, std::string>& map) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : map) {
        keys.push_back(key);
    }
    return keys;
}

std::vector<std::string> folders_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code ignored;  // a folder that cannot be read shows nothing, and is said as such
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.is_directory(ignored)) {
            names.push_back(entry.path().filename().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> names_of(const std::vector<Pmu>& pmus) {
    std::vector<std::string> names;
    for (const Pmu& pmu : pmus) {
        names.push_back(pmu.name);
    }
    return names;
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const std::uint32_t type : {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE, PERF_TYPE_HW_CACHE}) {
        const auto some = symbols_of(type);
        names.insert(names.end(), some.begin(), some.end());
    }
    return names;
}

// What a PMU has numbers of its own for. A core PMU's are counted like the kernel's hardware events; others belong to
// no thread where they name processors to be read on (uncore), and cannot tell user and kernel space apart.
PlannedEvent of_pmu(std::string_view name, const Pmu& pmu, const Encoding& encoding) {
    PlannedEvent event;
    event.name = name;
    event.type = pmu.core ? std::uint32_t{PERF_TYPE_RAW} : pmu.type;
    event.split = pmu.core;
    event.of_threads = pmu.core || pmu.cpus.empty();
    event.parts = {{"", pmu.cpus, encoding}};
    return event;
}

// The same event on each of several core PMUs; their names are kept where they are several.
std::optional<PlannedEvent> on_cores(std::string_view name, const EventSources& sources,
                                     const std::function<std::optional<Encoding>(const Pmu&)>& encoding_on) {
    std::optional<PlannedEvent> event;
    const auto cores = core_pmus(sources.pmus);
    for (const Pmu& pmu : cores) {
        const auto encoding = encoding_on(pmu);
        if (!encoding) {
            continue;
        }
        if (!event) {
            event = of_pmu(name, pmu, *encoding);
            event->parts.clear();
        }
        event->parts.push_back({cores.size() > 1 ? pmu.name : "", pmu.cpus, *encoding});
    }
    return event;
}

std::optional<std::uint64_t> hex(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
    return whole ? std::optional(value) : std::nullopt;
}

// "r003c": a machine without a core PMU is asked all the same, for the kernel's own reason.
PlannedEvent raw_event(std::string_view text, std::uint64_t config, const EventSources& sources) {
    auto event = on_cores(text, sources, [&](const Pmu& pmu) { return Encoding{pmu.type, config}; });
    if (event) {
        return *event;
    }
    PlannedEvent missing;
    missing.name = text;
    missing.type = PERF_TYPE_RAW;
    missing.split = true;
    missing.parts = {{"", {}, Encoding{PERF_TYPE_RAW, config}}};
    return missing;
}

Result<PlannedEvent> pmu_event(std::string_view text, const EventSources& sources) {
    const std::size_t first = text.find('/');
    const std::size_t last = text.rfind('/');
    if (first == last) {
        return no_event(text, "its terms stand between two slashes", "cpu/event=0x3c,umask=0x1/");
    }
    if (last + 1 != text.size()) {
        return no_event(text, "user and kernel space are counted apart without being told",
                        fmt::format("--events {}", text.substr(0, last + 1)));
    }
    const std::string_view name = text.substr(0, first);
    const auto pmu =
        std::find_if(sources.pmus.begin(), sources.pmus.end(), [&](const Pmu& p) { return p.name == name; });
    if (pmu == sources.pmus.end()) {
        const auto known = names_of(sources.pmus);
        return no_event(text, fmt::format("this machine has no PMU {}", name),
                        known.empty() ? "" : fmt::format("one of its PMUs: {}", join(known, ", ")),
                        ExitCode::privilege);
    }
    const auto encoding = encode(*pmu, text.substr(first + 1, last - first - 1));
    if (!encoding) {
        return no_event(text, encoding.error().why, encoding.error().advice);
    }
    return of_pmu(text, *pmu, *encoding);
}

Result<std::uint64_t> tracepoint_id(std::string_view text, std::string_view system, std::string_view name,
                                    const fs::path& tracefs) {
    const fs::path events = tracefs / "events";
    const auto systems = folders_in(events);
    if (systems.empty()) {
        return no_event(text, tracefs.empty() ? "tracefs is not mounted" : events.string() + " cannot be read",
                        "sudo mount -t tracefs tracefs /sys/kernel/tracing", ExitCode::privilege);
    }
    if (std::find(systems.begin(), systems.end(), system) == systems.end()) {
        const std::string near = nearest_of(system, systems);
        return no_event(text, fmt::format("no tracepoints of this kernel are called {}", system),
                        near.empty() ? "" : fmt::format("--events {}:{}", near, name));
    }
    const auto id = read_file(events / system / name / "id");
    std::uint64_t number = 0;
    const std::string digits = id ? trim(*id) : std::string{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (name.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        const std::string near = nearest_of(name, folders_in(events / system));
        return no_event(text, fmt::format("this kernel has no tracepoint {}", text),
                        near.empty() ? fmt::format("ls {}", (events / system).string())
                                     : fmt::format("--events {}:{}", system, near));
    }
    return number;
}

Result<PlannedEvent> tracepoint(std::string_view text, const EventSources& sources) {
    const std::size_t colon = text.find(':');
    const std::string_view system = text.substr(0, colon);
    const std::string_view name = text.substr(colon + 1);
    if (find_symbol(system)) {  // perf's modifiers: "cycles:u"
        return no_event(text, "user and kernel space are counted apart without being told",
                        fmt::format("--events {}", system));
    }
    if (text.find('/') != std::string_view::npos) {
        return no_event(text, "a tracepoint is subsystem:name", "--events sched:sched_switch");
    }
    const auto id = tracepoint_id(text, system, name, sources.tracefs);
    if (!id) {
        return Unexpected(id.error());
    }
    PlannedEvent event;
    event.name = text;
    event.type = PERF_TYPE_TRACEPOINT;
    event.parts = {{"", {}, Encoding{PERF_TYPE_TRACEPOINT, *id}}};
    return event;
}

Result<PlannedEvent> unknown(std::string_view text, const EventSources& sources) {
    std::vector<std::string> names = kernel_names();
    for (const Pmu& pmu : core_pmus(sources.pmus)) {
        const auto own = keys_of(pmu.events);
        names.insert(names.end(), own.begin(), own.end());
    }
    const std::string near = nearest_of(text, names);
    return no_event(text,
                    "there is no such event; known are names as perf-list(1) has them (branch-misses, "
                    "dTLB-load-misses, minor-faults), pmu/term=value/, rNNNN in hex and subsystem:tracepoint",
                    near.empty() ? "" : fmt::format("--events {}", near));
}

// Cut at the commas that stand outside slashes.
std::vector<std::string> items_of(std::string_view list) {
    std::vector<std::string> items(1);
    bool inside = false;
    for (const char letter : list) {
        inside = letter == '/' ? !inside : inside;
        if (letter == ',' && !inside) {
            items.emplace_back();
        } else {
            items.back() += letter;
        }
    }
    return items;
}

bool has(std::span<const PlannedEvent> plan, const std::string& name) {
    return std::any_of(plan.begin(), plan.end(), [&](const PlannedEvent& event) { return event.name == name; });
}

}  // namespace

Result<PlannedEvent> parse_event(std::string_view text, const EventSources& sources) {
    if (text.empty()) {
        return no_event(text, "an event has a name", "");
    }
    if (const std::size_t mark = text.find_first_of("/:"); mark != std::string_view::npos) {
        return text[mark] == '/' ? pmu_event(text, sources) : tracepoint(text, sources);
    }
    if (const auto symbol = find_symbol(text)) {
        return plan_symbol(*symbol, sources.pmus, sources.naming);
    }
    if (const auto config = text.front() == 'r' ? hex(text.substr(1)) : std::nullopt) {
        return raw_event(text, *config, sources);
    }
    auto named = on_cores(text, sources, [&](const Pmu& pmu) {
        const bool known = pmu.events.contains(std::string(text));
        const auto encoding = known ? encode(pmu, text) : Result<Encoding>{Unexpected(Error{})};
        return encoding ? std::optional(*encoding) : std::nullopt;
    });
    return named ? Result<PlannedEvent>(std::move(*named)) : unknown(text, sources);
}

Result<std::vector<PlannedEvent>> parse_events(std::string_view list, const EventSources& sources,
                                               std::span<const PlannedEvent> plan) {
    std::vector<PlannedEvent> events;
    for (const std::string& item : items_of(list)) {
        auto event = parse_event(trim(item), sources);
        if (!event) {
            return Unexpected(event.error());
        }
        if (!has(plan, event->name) && !has(events, event->name)) {
            events.push_back(std::move(*event));
        }
    }
    return events;
}

std::vector<std::string> known_events(const EventSources& sources) {
    std::vector<std::string> lines{"hardware: " + join(symbols_of(PERF_TYPE_HARDWARE), ", "),
                                   "software: " + join(symbols_of(PERF_TYPE_SOFTWARE), ", "),
                                   "caches: " + join(symbols_of(PERF_TYPE_HW_CACHE), ", ")};
    for (const Pmu& pmu : sources.pmus) {
        if (pmu.format.empty() && pmu.events.empty()) {
            continue;
        }
        std::vector<std::string> forms;
        for (const std::string& event : keys_of(pmu.events)) {
            forms.push_back(fmt::format("{}/{}/", pmu.name, event));
        }
        const auto terms = keys_of(pmu.format);
        const std::string of_terms = terms.empty() ? "" : "terms " + join(terms, ", ");
        forms.insert(forms.end(), terms.empty() ? 0 : 1, of_terms);
        lines.push_back(fmt::format("PMU {}: {}", pmu.name, join(forms, ", ")));
    }
    const auto systems = folders_in(sources.tracefs / "events");
    lines.push_back(systems.empty() ? "tracepoints: none, for tracefs cannot be read here"
                                    : "tracepoints: subsystem:name, of " + join(systems, ", "));
    return lines;
}

}  // namespace netio::perf
