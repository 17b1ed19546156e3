// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "perf/api.h"
#include "perf/event_names.h"
#include "perf/events.h"
#include "perf/pmu.h"

// What is to be counted on this machine: each event, and how each of its PMUs is asked for it.

namespace netio::perf {

// An event on one PMU.
struct EventPart {
    std::string pmu;                   // empty where there is but one that could count it
    std::vector<std::uint32_t> cpus;   // the PMU's; empty: all
    std::optional<Encoding> encoding;  // none: the PMU has no such event
    bool operator==(const EventPart&) const = default;
};

struct PlannedEvent {
    std::string name;
    std::uint32_t type = 0;  // PERF_TYPE_*; PERF_TYPE_RAW for all that a PMU has numbers of its own for
    Group group = Group::none;
    bool split = false;            // in user and in kernel space apart, where threads are counted
    bool of_threads = true;        // an uncore PMU knows no threads
    bool of_machine = true;        // see plan_catalogue
    std::vector<EventPart> parts;  // one for each core PMU; their counts are summed
    bool operator==(const PlannedEvent&) const = default;
};

// Whether the PMU of a part counts on that processor, and the first part of an event whose PMU does; nullptr: none.
bool is_on(const EventPart& part, std::uint32_t cpu);
const EventPart* part_on(const PlannedEvent& event, std::uint32_t cpu);

// The PMUs of the processors' cores.
std::vector<Pmu> core_pmus(std::span<const Pmu> pmus);

// Whether the kernel takes the type of a core PMU in the upper half of its own events' numbers, asked by opening cycles
// on the calling thread. Linux does since 5.13 (PERF_PMU_CAP_EXTENDED_HW_TYPE, 55bcf6ef314a), ARM's PMUs since 6.6
// (5c816728651a); before that an event of the kernel's goes to any one of several core PMUs. Asked once for all: before
// 5.13 ARM's PMUs take a PERF_TYPE_HW_CACHE number whatever its upper half is, and count it on the wrong cores.
bool takes_extended_types(std::span<const Pmu> pmus, Api& api = kernel_api());

// An event of the kernel's own: one part where there is one core PMU or none, else one for each.
PlannedEvent plan_symbol(const Symbol& symbol, std::span<const Pmu> pmus, Naming naming);

// The ten events of every run (perf/events.h). Of the whole machine only cycles and instructions are counted of the
// hardware's, in one group and for both spaces at once: a PMU has four to eight counters, which the threads' events
// need. The clocks of a processor are left out, for they go on where it is idle.
std::vector<PlannedEvent> plan_catalogue(std::span<const Pmu> pmus, Naming naming);

}  // namespace netio::perf
