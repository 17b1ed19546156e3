// SPDX-License-Identifier: MIT
#include "perf/events.h"

namespace netio::perf {

perf_event_attr attributes(const Encoding& encoding, Space space, Scope scope, bool leads) {
    perf_event_attr attr{};
    attr.size = sizeof(attr);
    attr.type = encoding.type;
    attr.config = encoding.config;
    attr.config1 = encoding.config1;
    attr.config2 = encoding.config2;
    attr.disabled = leads;
    attr.inherit = scope == Scope::threads;
    attr.exclude_user = space == Space::kernel;
    attr.exclude_kernel = space == Space::user;
    attr.exclude_hv = space != Space::all;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return attr;
}

}  // namespace netio::perf
