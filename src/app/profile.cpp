// SPDX-License-Identifier: MIT
#include "app/profile.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "ledger/stages.h"

namespace netio::app {

using model::ProfileFacts;
using model::ProfileStack;
using model::Runner;

namespace {

// The idle task of every processor has the number 0 and no folder in /proc.
std::string name_of_process(pid_t pid) {
    if (pid == 0) {
        return "swapper";
    }
    const auto name = read_file("/proc/" + std::to_string(pid) + "/comm");
    return name ? trim(*name) : "(ended)";
}

Runner runner_of(pid_t pid, const ProfiledProcesses& processes) {
    if (pid > 0 && pid == processes.server) {
        return Runner::server;
    }
    return pid > 0 && pid == processes.client ? Runner::client : Runner::elsewhere;
}

std::vector<std::string> functions_of(const std::vector<std::uint64_t>& chain, const kernel::Symbols& symbols) {
    std::vector<std::string> frames;
    frames.reserve(chain.size());
    for (const std::uint64_t address : chain) {
        const auto symbol = frames.empty() ? symbols.resolve(address) : symbols.resolve_return(address);
        frames.push_back(symbol ? symbol->name : std::string(model::unknown_frame));
    }
    return frames;
}

ProfileFacts facts_without_stacks(const perf::Samples& samples) {
    ProfileFacts facts;
    facts.event = samples.event;
    facts.unit = samples.unit;
    facts.not_cycles = samples.not_cycles;
    facts.rate_hz = samples.rate_hz;
    facts.cpus = samples.cpus;
    facts.samples = samples.samples;
    facts.lost = samples.lost;
    facts.throttled = samples.throttled;
    facts.weight = samples.weight;
    facts.counted = samples.counted;
    facts.enabled_ns = samples.enabled_ns;
    facts.running_ns = samples.running_ns;
    return facts;
}

// Samples by what makes a row of the facts.
class Rows {
 public:
    void add(Runner runner, const std::string& task, bool user, std::vector<std::string> frames,
             const model::SampleSum& sum) {
        rows_[{runner, task, user, std::move(frames)}] += sum;
    }
    std::vector<ProfileStack> by_samples() const {
        std::vector<ProfileStack> stacks;
        for (const auto& [key, sum] : rows_) {
            const auto& [runner, task, user, frames] = key;
            stacks.push_back({runner, task, user, sum.samples, sum.weight, frames});
        }
        std::stable_sort(stacks.begin(), stacks.end(),
                         [](const ProfileStack& a, const ProfileStack& b) { return a.samples > b.samples; });
        return stacks;
    }

 private:
    std::map<std::tuple<Runner, std::string, bool, std::vector<std::string>>, model::SampleSum> rows_;
};

}  // namespace

ProfileFacts resolve_samples(const perf::Samples& samples, const kernel::Symbols& symbols,
                             const ProfiledProcesses& processes, const std::function<std::string(pid_t)>& name_of) {
    ProfileFacts facts = facts_without_stacks(samples);
    std::map<pid_t, std::string> names;
    Rows rows;
    for (const perf::SampledStack& stack : samples.stacks) {
        const Runner runner = runner_of(stack.pid, processes);
        std::vector<std::string> frames;
        if (stack.kernel) {
            frames = functions_of(stack.chain, symbols);
        }
        if (runner == Runner::elsewhere && !(stack.kernel && ledger::stages().is_network(frames))) {
            facts.left_out += stack.samples;
            continue;
        }
        if (!names.contains(stack.pid)) {
            names[stack.pid] = name_of(stack.pid);
        }
        rows.add(runner, names[stack.pid], !stack.kernel, std::move(frames), {stack.samples, stack.weight});
    }
    facts.stacks = rows.by_samples();
    return facts;
}

Result<Profiler> Profiler::prepare(std::uint32_t rate_hz) {
    auto symbols = kernel::Symbols::load(kernel::Root{});
    if (!symbols) {
        return tl::make_unexpected(symbols.error());
    }
    auto sampler = perf::Sampler::open(rate_hz, perf::online_cpus(), perf::find_pmus());
    if (!sampler) {
        return tl::make_unexpected(sampler.error());
    }
    return Profiler(std::move(*sampler), std::move(*symbols));
}

// Probes were attached before and modules loaded meanwhile, so kernel functions are looked up as they are now.
ProfileFacts Profiler::collect(const ProfiledProcesses& processes) {
    const perf::Samples samples = sampler_.collect();
    if (auto now = kernel::Symbols::load(kernel::Root{})) {
        symbols_ = std::move(*now);
    }
    return resolve_samples(samples, symbols_, processes, name_of_process);
}

}  // namespace netio::app
