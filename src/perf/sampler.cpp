// SPDX-License-Identifier: MIT
#include "perf/sampler.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"

namespace netio::perf {
namespace {

// A sample is some 300 bytes: 20 kHz fill this in 80 ms. It is also what a user without privilege may lock for each
// processor (kernel.perf_event_mlock_kb).
constexpr std::size_t ring_bytes = std::size_t{512} * 1024;

std::size_t mapping_bytes() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return page + std::max(page, ring_bytes);
}

// A rate over kernel.perf_event_max_sample_rate is refused as EINVAL (perf_event_open); so are a few other things.
std::string why_refused(int error_number, std::uint32_t type, std::uint32_t rate_hz, const Host& host) {
    if (error_number == EINVAL) {
        return fmt::format("{}; {} samples a second may be over kernel.perf_event_max_sample_rate",
                           errno_text(error_number), format_count(rate_hz));
    }
    if (error_number == ENODEV) {
        return "a processor went offline: " + errno_text(error_number);
    }
    return refusal(error_number, type, host);
}

// The event as it is to be asked for, in the order of preference: twice where its PMUs are several.
std::vector<PlannedEvent> ways_to(const Event& event, std::span<const Pmu> pmus) {
    const Symbol symbol = *find_symbol(event.name);
    std::vector<PlannedEvent> ways{plan_symbol(symbol, pmus, Naming::extended)};
    if (ways.front().parts.size() > 1) {
        ways.push_back(plan_symbol(symbol, pmus, Naming::own));
    }
    return ways;
}

}  // namespace

perf_event_attr profile_attributes(const Encoding& encoding, std::uint32_t rate_hz) {
    perf_event_attr attr{};
    attr.size = sizeof(attr);
    attr.type = encoding.type;
    attr.config = encoding.config;
    attr.config1 = encoding.config1;
    attr.config2 = encoding.config2;
    attr.freq = 1;
    attr.sample_freq = rate_hz;
    attr.sample_type = profile_sample_type;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.disabled = 1;
    attr.exclude_callchain_user = 1;  // the program is one class; its frames would need its debug information
    return attr;
}

std::size_t Sampler::KeyHash::operator()(const Key& key) const {
    std::uint64_t hash = 0xcbf29ce484222325U ^ static_cast<std::uint32_t>(key.pid) ^ (key.kernel ? 1U << 31 : 0U);
    for (const std::uint64_t address : key.chain) {
        hash = (hash ^ address) * 0x9e3779b97f4a7c15U;
        hash ^= hash >> 29U;
    }
    return hash;
}

Result<Sampler> Sampler::open(std::uint32_t rate_hz, std::span<const std::uint32_t> cpus, std::span<const Pmu> pmus,
                              const Host& host, SamplerApi& api) {
    if (cpus.empty()) {
        return fail("no profile can be taken", "/sys/devices/system/cpu/online names no processor", {},
                    ExitCode::privilege);
    }
    std::string why;
    for (const auto& [event, unit] : profile_events) {
        for (const PlannedEvent& way : ways_to(event, pmus)) {
            Samples facts;
            facts.event = event.name;
            facts.unit = unit;
            facts.not_cycles = facts.unit == "cycles" ? "" : why;  // cycles come first, so this is their refusal
            facts.rate_hz = rate_hz;
            facts.cpus = static_cast<std::uint32_t>(cpus.size());
            Sampler sampler(api, std::move(facts));
            const auto opened = sampler.open_event(way, cpus);
            if (opened) {
                return sampler;
            }
            why = why_refused(opened.error(), way.type, rate_hz, host);
        }
    }
    return fail("no profile can be taken", why, "run without --profile", ExitCode::privilege);
}

tl::expected<void, int> Sampler::open_event(const PlannedEvent& event, std::span<const std::uint32_t> cpus) {
    for (const std::uint32_t cpu : cpus) {
        const EventPart* part = part_on(event, cpu);
        if (part == nullptr || !part->encoding) {
            return tl::unexpected(ENOENT);
        }
        const perf_event_attr attr = profile_attributes(*part->encoding, facts_.rate_hz);
        auto opened = api_->open_on_cpu(attr, cpu);
        if (!opened) {
            return tl::unexpected(opened.error());
        }
        auto mapping = api_->map(*opened, mapping_bytes());
        if (!mapping) {
            return tl::unexpected(mapping.error());
        }
        processors_.push_back({std::move(*opened), Ring(std::move(*mapping))});
    }
    return {};
}

Result<void> Sampler::enable() {
    for (const Processor& processor : processors_) {
        if (const int error = api_->turn(processor.event, Switch::on); error != 0) {
            disable();
            return fail_errno("the profile cannot be started", error, "run without --profile", ExitCode::privilege);
        }
    }
    return {};
}

void Sampler::poll() {
    for (Processor& processor : processors_) {
        const bool sound = processor.ring.drain([this](Ring::Record record) { take(record); });
        facts_.lost += sound ? 0 : 1;  // one at least
    }
}

// An event that does not stop goes on until its descriptor is closed; collect() reads it once, so it cannot add more.
void Sampler::disable() {
    for (const Processor& processor : processors_) {
        (void)api_->turn(processor.event, Switch::off);
    }
}

void Sampler::take(Ring::Record record) {
    auto decoded = decode_record(record);
    if (!decoded) {
        return;
    }
    if (auto* sample = std::get_if<StackSample>(&*decoded)) {
        add(std::move(*sample));
    } else if (const auto* lost = std::get_if<LostRecords>(&*decoded)) {
        facts_.lost += lost->count;
    } else {
        ++facts_.throttled;
    }
}

void Sampler::add(StackSample&& sample) {
    ++facts_.samples;
    facts_.weight += sample.period;
    Count& count = stacks_[Key{sample.pid, sample.kernel, std::move(sample.chain)}];
    ++count.samples;
    count.weight += sample.period;
}

void Sampler::add_counts() {
    facts_.counted = 0;
    for (const Processor& processor : processors_) {
        const auto count = api_->read(processor.event);
        if (!count) {
            facts_.counted = model::Figure<std::uint64_t>::missing("could not be read: " + errno_text(count.error()));
            return;
        }
        facts_.counted = facts_.counted.value() + count->count;
        facts_.enabled_ns += count->enabled_ns;
        facts_.running_ns += count->running_ns;
    }
}

Samples Sampler::collect() {
    poll();
    add_counts();
    for (const auto& [key, count] : stacks_) {
        facts_.stacks.push_back({key.pid, key.kernel, key.chain, count.samples, count.weight});
    }
    // The same samples give the same order, whatever the hash does.
    std::sort(facts_.stacks.begin(), facts_.stacks.end(), [](const SampledStack& a, const SampledStack& b) {
        return std::tie(b.samples, a.pid, a.kernel, a.chain) < std::tie(a.samples, b.pid, b.kernel, b.chain);
    });
    stacks_.clear();
    return std::move(facts_);
}

}  // namespace netio::perf
