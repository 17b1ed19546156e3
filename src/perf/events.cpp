// SPDX-License-Identifier: MIT
#include "perf/events.h"

namespace netio::perf {

perf_event_attr attributes(const Event& event, Space space) {
    perf_event_attr attr{};
    attr.size = sizeof(attr);
    attr.type = event.type;
    attr.config = event.config;
    attr.disabled = 1;
    attr.inherit = 1;
    attr.exclude_user = space == Space::kernel;
    attr.exclude_kernel = space == Space::user;
    attr.exclude_hv = space != Space::all;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return attr;
}

}  // namespace netio::perf
