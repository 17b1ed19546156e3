// SPDX-License-Identifier: MIT
#include "report/timeline.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace netio::report {

namespace {

using model::Passage;
using model::Role;
using model::Timeline;

std::int64_t pid_of(const Timeline& timeline, Role role) {
    return role == Role::server ? timeline.server_pid : timeline.client_pid;
}

std::uint64_t first_moment(const Timeline& timeline) {
    const auto first = std::min_element(timeline.passages.begin(), timeline.passages.end(),
                                        [](const Passage& a, const Passage& b) { return a.begin_ns < b.begin_ns; });
    return first == timeline.passages.end() ? 0 : first->begin_ns;
}

// Microseconds with the nanoseconds behind the point, without the rounding of a floating-point number.
std::string microseconds(std::uint64_t ns) {
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
}

}  // namespace

std::string render_timeline(const Timeline& timeline) {
    fmt::memory_buffer out;
    const auto end = std::back_inserter(out);
    fmt::format_to(end, "{{\"displayTimeUnit\": \"ns\", \"otherData\": {{\"lost_passages\": {}}}, \"traceEvents\": [\n",
                   timeline.lost);
    for (const Role role : {Role::server, Role::client}) {
        fmt::format_to(
            end, "{{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": {}, \"args\": {{\"name\": \"{}\"}}}}{}\n",
            pid_of(timeline, role), to_string(role), role == Role::server || !timeline.passages.empty() ? "," : "");
    }
    const std::uint64_t origin = first_moment(timeline);
    for (std::size_t i = 0; i < timeline.passages.size(); ++i) {
        const Passage& passage = timeline.passages[i];
        fmt::format_to(end,
                       "{{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"{}\", \"pid\": {}, \"tid\": {}, \"ts\": {}, "
                       "\"dur\": {}}}{}\n",
                       timeline.stages.at(passage.stage), pid_of(timeline, passage.role), passage.thread,
                       microseconds(passage.begin_ns - origin), microseconds(passage.duration_ns),
                       i + 1 < timeline.passages.size() ? "," : "");
    }
    fmt::format_to(end, "]}}\n");
    return fmt::to_string(out);
}

}  // namespace netio::report
