// SPDX-License-Identifier: MIT
#include "perf/pmu.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "base/words.h"
#include "perf/cpus.h"

namespace netio::perf {
namespace {

namespace fs = std::filesystem;

// The rule of perf's is_pmu_core() (tools/perf/util/pmu.c): drivers of core PMUs other than "cpu" and s390's "cpum_cf"
// have a file `cpus`, those of all others have `cpumask` or neither.
bool is_core_pmu(const fs::path& folder) {
    std::error_code ignored;  // a file that cannot be asked for is not there
    return is_one_of(folder.filename().string(), {"cpu", "cpum_cf"}) || fs::exists(folder / "cpus", ignored);
}

std::optional<std::uint64_t> number(std::string_view text) {
    const int base = text.starts_with("0x") || text.starts_with("0X") ? 16 : 10;
    text.remove_prefix(base == 16 ? 2 : 0);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// Files of a folder by name, with their text. Beside an event "x" may be x.scale, x.unit, x.per-pkg and x.snapshot,
// which are no events.
std::map<std::string, std::string> texts_in(const fs::path& folder) {
    std::map<std::string, std::string> texts;
    std::error_code ignored;  // a folder that is not there has no files
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (is_one_of(entry.path().extension().string(), {".scale", ".unit", ".per-pkg", ".snapshot"})) {
            continue;
        }
        if (const auto text = read_file(entry.path())) {
            texts[entry.path().filename().string()] = trim(*text);
        }
    }
    return texts;
}

std::optional<Pmu> pmu_in(const fs::path& folder) {
    const auto type_text = read_file(folder / "type");
    const auto type = type_text ? number(trim(*type_text)) : std::nullopt;
    if (!type || *type > UINT32_MAX) {
        return std::nullopt;
    }
    Pmu pmu;
    pmu.name = folder.filename().string();
    pmu.type = static_cast<std::uint32_t>(*type);
    pmu.core = is_core_pmu(folder);
    if (const auto text = read_file(folder / (pmu.core ? "cpus" : "cpumask"))) {
        auto cpus = parse_cpu_list(*text);
        if (!cpus) {
            return std::nullopt;
        }
        pmu.cpus = std::move(*cpus);
    }
    pmu.format = texts_in(folder / "format");
    pmu.events = texts_in(folder / "events");
    pmu.caps = texts_in(folder / "caps");
    return pmu;
}

std::vector<std::string> names_of(const std::map<std::string, std::string>& texts) {
    std::vector<std::string> names;
    for (const auto& [name, text] : texts) {
        names.push_back(name);
    }
    return names;
}

std::string what_it_knows(const Pmu& pmu) {
    const std::string terms = pmu.format.empty() ? "" : join(names_of(pmu.format), ", ") + ", ";
    const std::string events = pmu.events.empty() ? "" : "; or its events: " + join(names_of(pmu.events), ", ");
    return fmt::format("its terms: {}config, config1, config2{}", terms, events);
}

// A bit range of a format file: "0-7", "23".
std::optional<std::pair<unsigned, unsigned>> bits_in(std::string_view range) {
    const std::size_t dash = range.find('-');
    const auto first = number(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last > 63) {
        return std::nullopt;
    }
    return std::pair{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

std::uint64_t* config_in(Encoding& encoding, std::string_view name) {
    if (name == "config") {
        return &encoding.config;
    }
    return name == "config1" ? &encoding.config1 : name == "config2" ? &encoding.config2 : nullptr;
}

// Puts `value` into the bits of `places`, "config:0-7,32-35", lowest first. Returns what is wrong; empty: nothing.
std::string place(Encoding& encoding, std::string_view places, std::uint64_t value) {
    const std::size_t colon = places.find(':');
    std::uint64_t* config = config_in(encoding, places.substr(0, colon));
    if (config == nullptr || colon == std::string_view::npos) {
        return fmt::format("the kernel writes it to '{}', which is unknown here", places);
    }
    std::uint64_t left = value;
    for (const std::string& range : split(places.substr(colon + 1), ',')) {
        const auto bits = bits_in(range);
        if (!bits) {
            return fmt::format("the kernel writes it to '{}', which are no bits", places);
        }
        const unsigned width = bits->second - bits->first + 1;
        const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
        *config = (*config & ~(mask << bits->first)) | ((left & mask) << bits->first);
        left = width == 64 ? 0 : left >> width;
    }
    return left == 0 ? std::string{} : fmt::format("{:#x} does not fit into its bits, {}", value, places);
}

// One term after the other; the terms of a named event may not name events again.
std::string add_terms(const Pmu& pmu, std::string_view terms, bool may_name, Encoding& encoding) {
    for (const std::string& term : split(terms, ',')) {
        const std::size_t equals = term.find('=');
        const std::string name = trim(term.substr(0, equals));
        const auto event = pmu.events.find(name);
        if (equals == std::string::npos && may_name && event != pmu.events.end()) {
            if (std::string wrong = add_terms(pmu, event->second, false, encoding); !wrong.empty()) {
                return wrong;
            }
            continue;
        }
        const auto value = equals == std::string::npos ? std::optional<std::uint64_t>(1)
                                                       : number(trim(std::string_view(term).substr(equals + 1)));
        if (!value) {
            return fmt::format("'{}' has no number", term);
        }
        const auto places = pmu.format.find(name);
        const bool of_every_pmu = places == pmu.format.end() && equals != std::string::npos;
        if (std::uint64_t* config = of_every_pmu ? config_in(encoding, name) : nullptr) {
            *config = *value;
        } else if (places == pmu.format.end()) {
            return name.empty() ? std::string("a term is missing") : fmt::format("it knows no '{}'", name);
        } else if (std::string wrong = place(encoding, places->second, *value); !wrong.empty()) {
            return fmt::format("{}: {}", name, wrong);
        }
    }
    return {};
}

}  // namespace

std::vector<Pmu> find_pmus(const fs::path& root) {
    std::vector<Pmu> pmus;
    std::error_code ignored;  // a kernel without perf events has no such folder, and no PMU
    for (const auto& entry : fs::directory_iterator(root / "sys/bus/event_source/devices", ignored)) {
        if (auto pmu = pmu_in(entry.path())) {
            pmus.push_back(std::move(*pmu));
        }
    }
    std::sort(pmus.begin(), pmus.end(), [](const Pmu& a, const Pmu& b) { return a.name < b.name; });
    return pmus;
}

Result<Encoding> encode(const Pmu& pmu, std::string_view terms) {
    Encoding encoding{pmu.type};
    if (const std::string wrong = add_terms(pmu, terms, true, encoding); !wrong.empty()) {
        return fail(fmt::format("PMU {} cannot count '{}'", pmu.name, terms), wrong, what_it_knows(pmu),
                    ExitCode::usage);
    }
    return encoding;
}

}  // namespace netio::perf
