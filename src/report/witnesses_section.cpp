// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

namespace netio::report {

namespace {

using Count = model::Figure<std::uint64_t>;

constexpr std::string_view queue = "error queue";
constexpr std::string_view record = "kernel record";
constexpr std::string_view bytes = "bytes copied";

// The name of a witness, with room for the longest.
std::string name(std::string_view witness) {
    return unbreakable(std::string{witness} + std::string(record.size() + 2 - witness.size(), ' '));
}

std::string calls_text(const Count& copied, const Count& all) {
    return show_count(copied) + " of " + show_count(all) + " calls copied";
}

std::string record_text(const model::Witnesses& witnesses) {
    std::string text = calls_text(witnesses.recorded_copied_calls, witnesses.recorded_calls);
    if (witnesses.recorded_copied_bytes.measured()) {
        text += ", " + show_bytes(witnesses.recorded_copied_bytes);
    }
    return text;
}

std::string bytes_text(const model::Witnesses& witnesses) {
    return show_bytes(witnesses.moved_flagged_bytes) + " flagged, " + show_bytes(witnesses.moved_silent_bytes) +
           " silent, " + show_bytes(witnesses.moved_clone_bytes) + " for taps";
}

struct Part {
    std::string name;
    const Count* figure;
};

// A witness without a single figure is only named in `missing`; the others give a line.
void hear(std::string_view witness, const std::vector<Part>& parts, const std::string& text,
          std::vector<Paragraph>& said, Missing& missing) {
    const bool any = std::ranges::any_of(parts, [](const Part& part) { return part.figure->measured(); });
    if (any) {
        said.push_back({name(witness) + text});
    }
    for (const auto& part : parts) {
        missing.add_unless_measured(std::string{witness} + (any ? " " + part.name : ""), *part.figure);
    }
}

// The conclusion, which is the report's and not the renderer's: without a sentence nothing is said. Agreement stands in
// the last witness's line where it fits, what differs in lines of its own.
void conclude(const Page& page, const model::Witnesses& witnesses, std::vector<Paragraph>& said) {
    const std::vector<std::string>& sentences = witnesses.sentences;
    if (sentences.empty()) {
        return;
    }
    const std::string ending = ": " + join(sentences, "; ");
    if (witnesses.agree && display_width(said.back().text + ending) <= page.columns() - Page::margin) {
        said.back().text += ending;
        return;
    }
    for (const auto& sentence : sentences) {
        said.push_back(witnesses.agree ? Paragraph{sentence, Ink::good} : Paragraph{"! " + sentence, Ink::warning});
    }
}

// A run without zero-copy calls has nothing to be told, and where nothing was copied late there is nothing to tell.
bool is_silent(const model::Witnesses& witnesses) {
    const auto none = [](const Count& moved) { return moved.measured() && moved.value() == 0; };
    return !witnesses.told_calls.measured() && !witnesses.recorded_calls.measured() &&
           witnesses.told_calls.reason() == witnesses.recorded_calls.reason() && none(witnesses.moved_flagged_bytes) &&
           none(witnesses.moved_silent_bytes) && none(witnesses.moved_clone_bytes);
}

}  // namespace

void put_witnesses(Page& page, const model::Witnesses& witnesses) {
    if (is_silent(witnesses)) {
        page.section("Said", {{"nothing: " + witnesses.told_calls.reason()}});
        return;
    }
    std::vector<Paragraph> said;
    Missing missing;
    hear(queue, {{"copied", &witnesses.told_copied_calls}, {"calls", &witnesses.told_calls}},
         calls_text(witnesses.told_copied_calls, witnesses.told_calls), said, missing);
    hear(record, {{"copied", &witnesses.recorded_copied_calls}, {"calls", &witnesses.recorded_calls}},
         record_text(witnesses), said, missing);
    hear(bytes,
         {{"flagged", &witnesses.moved_flagged_bytes},
          {"silent", &witnesses.moved_silent_bytes},
          {"for taps", &witnesses.moved_clone_bytes}},
         bytes_text(witnesses), said, missing);
    const bool heard = !said.empty();  // else there is nothing to agree about
    for (const auto& sentence : missing.sentences()) {
        said.push_back({sentence});
    }
    if (heard) {
        conclude(page, witnesses, said);
    } else {
        for (const auto& sentence : witnesses.sentences) {
            said.push_back({sentence});
        }
    }
    page.section("Said", said);
}

}  // namespace netio::report
