// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/figure.h"
#include "perf/cpus.h"
#include "perf/events.h"
#include "perf/plan.h"
#include "perf/records.h"
#include "perf/refusal.h"
#include "perf/sampler_api.h"

namespace netio::perf {

// An event to take samples by, and the unit of its periods.
struct ProfileEvent {
    Event event;
    std::string_view unit;
};

// In the order of preference: cycles, on machines with several kinds of cores as each kernel may want them named there
// (perf/plan.h, takes_extended_types), and cpu-clock. cpu-clock is a timer of the kernel's, which every machine has: it
// cannot interrupt code that has interrupts off, whose time is seen where they are on again.
inline constexpr std::array<ProfileEvent, 2> profile_events{{
    {{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, Group::none}, "cycles"},
    {{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, Group::none}, "ns"},
}};

// No divisor of the frequencies that kernels and programs tick at, so that samples do not march in step with them.
inline constexpr std::uint32_t default_profile_hz = 997;
inline constexpr std::uint32_t largest_profile_hz = 20'000;

perf_event_attr profile_attributes(const Encoding& encoding, std::uint32_t rate_hz);

// Samples of one process that hit the same place.
struct SampledStack {
    std::int32_t pid = 0;
    bool kernel = false;
    std::vector<std::uint64_t> chain;  // see StackSample
    std::uint64_t samples = 0;
    std::uint64_t weight = 0;  // sum of the periods
};

struct Samples {
    std::string event;
    std::string unit;
    std::string not_cycles;  // why hardware cycles were not taken
    std::uint32_t rate_hz = 0;
    std::uint32_t cpus = 0;
    std::uint64_t samples = 0;
    std::uint64_t weight = 0;
    std::uint64_t lost = 0;
    std::uint64_t throttled = 0;
    model::Figure<std::uint64_t> counted;  // by the events themselves, summed
    std::uint64_t enabled_ns = 0;
    std::uint64_t running_ns = 0;
    std::vector<SampledStack> stacks;
};

// A profile of all processors, of all tasks: each sample names its process, so that those of the workload and those
// that its packets cause in other tasks are one set. (A profile by thread would miss what softirqs do elsewhere.)
class Sampler {
 public:
    // Opens the first of profile_events that every processor has, disabled. Errors: ExitCode::privilege with the
    // reason of the last; nothing is sampled on some of the processors only. `pmus` are those of the machine.
    static Result<Sampler> open(std::uint32_t rate_hz, std::span<const std::uint32_t> cpus, std::span<const Pmu> pmus,
                                const Host& host = host_facts(), SamplerApi& api = kernel_sampler_api());

    // Errors: an event that cannot be turned on; none is on then.
    Result<void> enable();
    // Takes what has come. Once in 50 ms is often enough at the largest rate.
    void poll();
    void disable();
    // Everything since enable(); call it once, after disable().
    Samples collect();

 private:
    struct Key {
        std::int32_t pid;
        bool kernel;
        std::vector<std::uint64_t> chain;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const;
    };
    struct Count {
        std::uint64_t samples = 0;
        std::uint64_t weight = 0;
    };
    struct Processor {
        Fd event;
        Ring ring;
    };

    Sampler(SamplerApi& api, Samples facts) : api_(&api), facts_(std::move(facts)) {}
    tl::expected<void, int> open_event(const PlannedEvent& event, std::span<const std::uint32_t> cpus);
    void take(Ring::Record record);
    void add(StackSample&& sample);
    void add_counts();

    SamplerApi* api_;
    Samples facts_;
    std::vector<Processor> processors_;
    std::unordered_map<Key, Count, KeyHash> stacks_;
};

}  // namespace netio::perf
