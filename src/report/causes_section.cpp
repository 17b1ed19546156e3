// SPDX-License-Identifier: MIT
#include <algorithm>
#include <span>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

namespace netio::report {

namespace {

using model::Finding;

constexpr std::size_t frames_shown = 6;

std::string share_of(const Finding& finding) {
    if (!finding.bytes.measured()) {
        return std::string{not_available};
    }
    return format_percent(finding.share);
}

// "local-delivery 100.0 %" or "packet-tap 0.2 % silent", which stands out before the sentence.
std::string head_of(const Finding& finding) {
    return finding.cause + " " + share_of(finding) + (finding.silent ? " silent" : "");
}

// Device and process, which may be unknown.
std::string scene_of(const Finding& finding) {
    std::string scene = finding.device;
    if (!finding.who.empty()) {
        scene += (scene.empty() ? "" : ", ") + finding.who;
    }
    return scene;
}

Paragraph why(const Finding& finding) {
    std::string text = finding.sentence;
    if (const std::string scene = scene_of(finding); !scene.empty()) {
        text = scene + ": " + text;
    }
    if (!finding.bytes.measured()) {
        text += " (bytes n/a: " + finding.bytes.reason() + ")";
    }
    const std::string head = head_of(finding);
    return {head + unbreakable(" ") + " " + text, Ink::plain, head};
}

// Each remedy once, with the causes that it is for where there are several.
std::vector<Paragraph> remedies_of(const std::vector<Finding>& findings) {
    std::vector<std::pair<std::string, std::string>> causes_by_remedy;
    for (const auto& finding : findings) {
        const auto known =
            std::ranges::find_if(causes_by_remedy, [&](const auto& entry) { return entry.first == finding.remedy; });
        if (known != causes_by_remedy.end()) {
            known->second += ", " + finding.cause;
        } else if (!finding.remedy.empty()) {
            causes_by_remedy.emplace_back(finding.remedy, finding.cause);
        }
    }
    std::vector<Paragraph> paragraphs;
    for (const auto& [remedy, causes] : causes_by_remedy) {
        const std::string head = findings.size() > 1 ? causes : "";
        paragraphs.push_back({head.empty() ? remedy : head + ": " + remedy, Ink::plain, head});
    }
    return paragraphs;
}

std::string frames_of(const Finding& finding) {
    const std::size_t shown = std::min(frames_shown, finding.stack.size());
    std::string frames = join(std::span{finding.stack}.first(shown), " <- ");
    if (finding.stack.size() > shown) {
        frames += unbreakable(" <- " + std::to_string(finding.stack.size() - shown) + " more");
    }
    return frames;
}

}  // namespace

void put_causes(Page& page, const std::vector<Finding>& findings) {
    std::vector<Paragraph> whys;
    for (const auto& finding : findings) {
        whys.push_back(why(finding));
    }
    page.section("Why", whys);
    page.section("Try", remedies_of(findings));
}

void put_stacks(Page& page, const std::vector<Finding>& findings) {
    std::vector<Paragraph> stacks;
    for (const auto& finding : findings) {
        if (!finding.stack.empty()) {
            stacks.push_back({finding.cause + ": " + frames_of(finding), Ink::plain, finding.cause});
        }
    }
    page.section("Stack", stacks);
}

}  // namespace netio::report
