// SPDX-License-Identifier: MIT
#include "predict/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/text.h"
#include "explain/causes.h"
#include "report/page.h"

namespace netio::predict {

namespace {

using Kind = Step::Kind;
using report::Ink;

// The title of a cause within a sentence; names such as "WireGuard" and "IPsec" keep their capital.
std::string reason(const std::string& cause) {
    std::string title = explain::cause(cause).title;
    const std::string word = title.substr(0, title.find(' '));
    const bool is_name =
        std::any_of(word.begin() + 1, word.end(), [](unsigned char letter) { return std::isupper(letter) != 0; });
    if (!is_name) {
        title[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(title[0])));
    }
    return title;
}

// The reasons of the certain causes of that extent, each once.
std::string reasons(const Prediction& prediction, std::initializer_list<Extent> extents, bool certain) {
    std::vector<std::string> found;
    for (const Expected& cause : prediction.causes) {
        const bool wanted = std::find(extents.begin(), extents.end(), cause.extent) != extents.end();
        const std::string why = reason(cause.cause);
        if (wanted && cause.certain == certain && std::find(found.begin(), found.end(), why) == found.end()) {
            found.push_back(why);
        }
    }
    return join(found, ", and ");
}

bool is_any(const Prediction& prediction, Extent extent, bool certain) {
    return std::any_of(prediction.causes.begin(), prediction.causes.end(),
                       [&](const Expected& cause) { return cause.extent == extent && cause.certain == certain; });
}

// After a cause that may come first, the one that comes for sure is no longer certain to find anything to copy.
std::string copied_reason(const Prediction& prediction) {
    if (is_any(prediction, Extent::all, true) || is_any(prediction, Extent::most, true)) {
        return reasons(prediction, {Extent::all, Extent::most, Extent::clone, Extent::some}, true);
    }
    return reasons(prediction, {Extent::all}, false) + ": one of these copies first";
}

std::string copied_late(const std::string& send, const Prediction& prediction) {
    const bool perhaps_silent = std::any_of(prediction.causes.begin(), prediction.causes.end(),
                                            [](const Expected& cause) { return cause.silent; });
    const std::string_view told =
        perhaps_silent ? " Whether the program is told depends on which." : " The program will be told so.";
    if (is_any(prediction, Extent::all, true) || is_any(prediction, Extent::most, true) ||
        (!is_any(prediction, Extent::clone, true) && !is_any(prediction, Extent::some, true))) {
        return fmt::format("{} will be copied after all: {}.{}", send, copied_reason(prediction), told);
    }
    const std::string why = reasons(prediction, {Extent::clone, Extent::some}, true);
    if (is_any(prediction, Extent::clone, true)) {
        return fmt::format("{} will be copied besides being sent: {}.{}", send, why, told);
    }
    return fmt::format("{} will be copied in part: {}.{}", send, why, told);
}

std::string end_note(const Facts& facts) {
    return facts.way.empty() ? "" : facts.way.back().note;
}

std::string cannot_know(const std::string& send, const Facts& facts, const Prediction& prediction) {
    const std::string perhaps = reasons(prediction, {Extent::all}, false);
    const std::string unseen = facts.way.empty() || facts.way.back().kind != Kind::unseen ? "" : end_note(facts);
    return fmt::format("Whether {} will be copied cannot be known from here.{}{}", "a" + send.substr(1),
                       perhaps.empty() ? "" : fmt::format(" Perhaps it will: {}.", perhaps),
                       unseen.empty() ? "" : fmt::format(" Not seen: {}.", unseen));
}

std::string not_copied(const std::string& send, const Facts& facts) {
    const std::string through = facts.way.empty() ? "" : spell_device(facts.way.back().device);
    return fmt::format("{} will not be copied on this machine: it leaves through {} as it is.", send, through);
}

std::vector<std::string> abilities(const Features& features, bool wanted) {
    std::vector<std::string> words;
    const std::pair<const char*, bool> all[] = {{"scatter-gather", features.scatter_gather},
                                                {"checksums", features.checksum},
                                                {"segmentation", features.segmentation}};
    for (const auto& [word, on] : all) {
        if (on == wanted) {
            words.emplace_back(word);
        }
    }
    return words;
}

std::string spell_features(const Features& features) {
    if (!features.known) {
        return "features not known";
    }
    const auto off = abilities(features, false);
    return off.empty() ? "scatter-gather, checksums and segmentation are on"
                       : join(off, ", ") + (off.size() == 1 ? " is off" : " are off");
}

std::string_view spell(Xdp xdp) {
    switch (xdp) {
        case Xdp::none:
            return "";
        case Xdp::native:
            return "XDP in native mode";
        case Xdp::generic:
            return "XDP in generic mode";
        case Xdp::offloaded:
            return "XDP in the device";
    }
    return "";
}

std::string_view spell(Kind kind) {
    switch (kind) {
        case Kind::send:
            return "sends";
        case Kind::receive:
            return "receives";
        case Kind::forward:
            return "forwards";
        case Kind::deliver:
            return "delivers";
        case Kind::process:
            return "is read";
        case Kind::leave:
            return "leaves";
        case Kind::vanish:
            return "ends";
        case Kind::unseen:
            return "not seen";
    }
    return "?";
}

void add(std::vector<std::string>& parts, std::string part) {
    if (!part.empty()) {
        parts.push_back(std::move(part));
    }
}

// What matters of a step: features where it is sent, programs and packet sockets where they see it.
std::string spell_what(const Facts& facts, const Step& step) {
    std::vector<std::string> parts;
    if (step.kind == Kind::send) {
        add(parts, spell_features(step.device.features));
        add(parts, fmt::format("MTU {}", step.device.mtu));
        add(parts, step.device.corrupted > 0 ? "netem corrupts packets" : "");
        add(parts, step.wrapped ? "in a tunnel's packet" : "");
    } else if (step.kind == Kind::receive) {
        add(parts, std::string(spell(step.device.xdp)));
    } else if (step.kind == Kind::forward) {
        add(parts, fmt::format("MTU {}", step.device.mtu));
    } else if (step.kind == Kind::process) {
        add(parts, "a process reads the packets");
    }
    add(parts, step.programs.empty() ? "" : "filters: " + join(step.programs, ", "));
    add(parts, step.taps.empty() ? "" : fmt::format("packet taps: {}", step.taps.size()));
    add(parts, step.note);
    add(parts, step.place == facts.sender ? "" : "in " + step.place.name);
    return join(parts, "; ");
}

void put_way(report::Page& page, const Facts& facts) {
    const Route& route = facts.route;
    const std::string through = route.type == Route::Type::local ? "an address of this namespace itself"
                                : route.gateway.empty()          ? "a neighbour on " + route.device
                                                        : fmt::format("through {} on {}", route.gateway, route.device);
    page.section("Route", {{fmt::format("{}: {}{}", facts.target.address, through,
                                        route.source.empty() ? "" : ", from " + route.source)}});
    report::Grid grid{"Way", report::Page::margin, {{Align::left}, {Align::left}, {Align::left}}, {}};
    for (const Step& step : facts.way) {
        const bool bad = step.kind == Kind::vanish || step.kind == Kind::unseen;
        grid.rows.push_back({{std::string(spell(step.kind)), bad ? Ink::warning : Ink::plain},
                             {spell_device(step.device)},
                             {spell_what(facts, step)}});
    }
    page.grid(grid);
}

std::string spell_extent(const Expected& cause) {
    switch (cause.extent) {
        case Extent::all:
            return cause.certain ? "certain" : "possible";
        case Extent::most:
            return cause.certain ? "nearly all" : "possible";
        case Extent::clone:
            return cause.certain ? "a clone" : "perhaps a clone";
        case Extent::some:
            return cause.certain ? "in part" : "perhaps in part";
        case Extent::call:
            return "may refuse";
    }
    return "?";
}

void put_causes(report::Page& page, const Prediction& prediction) {
    report::Grid grid{"Causes", report::Page::margin, {{Align::left, 30}, {Align::left}, {Align::left}}, {}};
    for (const Expected& cause : prediction.causes) {
        const std::string where = cause.where.empty() ? "" : cause.where + ": ";
        grid.rows.push_back({{cause.cause, cause.certain ? Ink::bad : Ink::warning},
                             {spell_extent(cause)},
                             {where + cause.why + (cause.silent ? "; the program is not told" : "")}});
    }
    if (grid.rows.empty()) {
        page.section("Causes", {{"none on this way"}});
        return;
    }
    page.grid(grid);
}

void put_limits(report::Page& page, const Limits& limits) {
    std::vector<std::string> parts;
    if (limits.option_memory_bytes) {
        parts.push_back(fmt::format("net.core.optmem_max {} B", format_count(*limits.option_memory_bytes)));
    }
    if (limits.locked_memory_skipped) {
        parts.emplace_back("RLIMIT_MEMLOCK is skipped by CAP_IPC_LOCK");
    } else if (limits.locked_memory_bytes) {
        const bool unlimited = *limits.locked_memory_bytes == UINT64_MAX;
        parts.push_back("RLIMIT_MEMLOCK " +
                        (unlimited ? "unlimited" : format_count(*limits.locked_memory_bytes) + " B"));
    }
    page.section("Limits", {{report::items(parts)}});
}

void put_unknown(report::Page& page, const Prediction& prediction) {
    std::vector<report::Paragraph> paragraphs;
    for (const Unknown& unknown : prediction.unknown) {
        paragraphs.push_back({unknown.what});
    }
    page.section("Unknown", paragraphs);
}

void put_remedies(report::Page& page, const Prediction& prediction) {
    std::vector<report::Paragraph> paragraphs;
    std::vector<std::string> done;
    for (const Expected& cause : prediction.causes) {
        if (std::find(done.begin(), done.end(), cause.cause) == done.end()) {
            done.push_back(cause.cause);
            paragraphs.push_back({cause.cause + ": " + explain::cause(cause.cause).remedy, Ink::plain, cause.cause});
        }
    }
    page.section("Try", paragraphs);
}

std::vector<std::string> names(const Prediction& prediction, bool certain) {
    std::vector<std::string> found;
    for (const Expected& cause : prediction.causes) {
        if (cause.certain == certain && cause.extent != Extent::call &&
            std::find(found.begin(), found.end(), cause.cause) == found.end()) {
            found.push_back(cause.cause);
        }
    }
    return found;
}

}  // namespace

std::string verdict(const Facts& facts, const Prediction& prediction) {
    const std::string send = "A MSG_ZEROCOPY send to " + facts.target.address;
    switch (prediction.outcome) {
        case Outcome::copied_late:
            return copied_late(send, prediction);
        case Outcome::copied_silently:
            return fmt::format("{} will be copied after all, and the program will mostly be told that it was not: {}.",
                               send, copied_reason(prediction));
        case Outcome::not_copied:
            return not_copied(send, facts);
        case Outcome::cannot_know:
            return cannot_know(send, facts, prediction);
        case Outcome::not_delivered:
            return fmt::format("{} does not arrive: {}.", send, end_note(facts));
    }
    return {};
}

std::string render(const Facts& facts, const Prediction& prediction, const report::TerminalStyle& style) {
    report::Page page{style};
    page.text({verdict(facts, prediction)});
    page.blank();
    put_way(page, facts);
    page.blank();
    put_causes(page, prediction);
    page.blank();
    put_limits(page, facts.limits);
    page.blank();
    put_unknown(page, prediction);
    page.blank();
    put_remedies(page, prediction);
    page.blank();
    page.text({"Nothing was sent and nothing was changed. `sudo netio-trace` measures what is predicted here."});
    return page.result();
}

std::string summary(const Prediction& prediction) {
    const auto certain = names(prediction, true);
    const auto possible = names(prediction, false);
    std::string text(to_string(prediction.outcome));
    text += certain.empty() ? "" : ": " + join(certain, ", ");
    text += possible.empty() ? "" : (certain.empty() ? ": perhaps " : "; perhaps ") + join(possible, ", ");
    return text;
}

}  // namespace netio::predict
