// SPDX-License-Identifier: MIT
#include "app/experiment.h"

#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "app/actors.h"
#include "app/instruments.h"
#include "app/prompt_end.h"
#include "app/utc.h"
#include "kernel/environment.h"
#include "kernel/limits.h"
#include "kernel/taps.h"
#include "probes/tracer.h"
#include "provoke/scenario.h"
#include "workload/interrupts.h"

namespace netio::app {

using Clock = std::chrono::steady_clock;
using model::Capture;
using model::Role;

namespace {

constexpr std::chrono::milliseconds poll_interval{50};
constexpr std::chrono::milliseconds end_patience{10'000};

// Sockets of both ends, and room for what else the processes may open. The calls that can be in flight share 16 MiB.
probes::TracerOptions tracer_options(const ExperimentOptions& options) {
    probes::TracerOptions tracer;
    tracer.tier = options.spec.tier;
    tracer.ring_bytes = options.ring_bytes;
    tracer.max_sockets = options.spec.threads * 2 + 8;
    tracer.calls_in_flight = 65536;
    while (tracer.calls_in_flight > 1024 && tracer.calls_in_flight * tracer.max_sockets > (1U << 20)) {
        tracer.calls_in_flight /= 2;
    }
    return tracer;
}

Result<void> require_types() {
    if (kernel::has_btf(kernel::Root{})) {
        return {};
    }
    return fail("the kernel cannot be traced", "it describes no types: /sys/kernel/btf/vmlinux is missing",
                "a kernel with CONFIG_DEBUG_INFO_BTF", ExitCode::privilege);
}

// One experiment in the making; the steps of run_experiment in their order.
class Experiment {
 public:
    Experiment(const ExperimentOptions& options, const Progress& progress, KeptTracer& kept)
        : options_(options), progress_(progress), kept_(kept) {
        capture_.spec = options.spec;
        capture_.environment = kernel::read_environment(kernel::Root{}, utc_now());
        capture_.environment.tool_version = NETIO_VERSION;
        capture_.client.role = Role::client;
        if (is_remote()) {
            capture_.client.delivery_missing = "the receiver is not a part of this run";
        }
    }

    Result<void> prepare(PromptEnd& prompt_end);
    Result<void> measure(workload::Interrupts& interrupts);
    Capture finish(workload::Interrupts& interrupts);

 private:
    bool is_remote() const { return model::sees_only_sender(options_.spec); }
    Result<provoke::Network> make_network() const;
    Result<Actors> start() const;
    Result<void> set_the_stage();
    Result<void> step(provoke::Step change);
    Unexpected explained(const Error& error) const;
    Result<void> attach();
    Result<void> start_instruments();
    void look_for_taps();
    void read_server_limits();
    Result<void> wait_for_both(workload::Interrupts& interrupts);
    Result<void> wait_for(workload::Child& child, model::WorkloadResult& result);
    void handle_interrupt(workload::Interrupts& interrupts);
    void end_children(const workload::Interrupts& interrupts);
    void report_share();

    const ExperimentOptions& options_;
    const Progress& progress_;
    KeptTracer& kept_;
    Capture capture_;
    const provoke::Scenario* scenario_ = nullptr;  // none: nothing is provoked
    std::optional<provoke::Network> network_;
    std::optional<provoke::Stage> stage_;
    probes::Tracer* tracer_ = nullptr;  // none: nothing is traced
    std::optional<Actors> actors_;
    std::optional<Instruments> instruments_;
    Clock::time_point started_;
};

Result<void> Experiment::attach() {
    if (options_.spec.tier == model::Tier::none) {
        return {};
    }
    auto tracer = require_types().and_then([&] { return kept_.take(tracer_options(options_)); });
    if (!tracer && options_.run_untraced && tracer.error().code == ExitCode::privilege) {
        capture_.probes = probes::refused_probes(tracer.error());
        return {};
    }
    if (!tracer) {
        return tl::make_unexpected(tracer.error());
    }
    tracer_ = *tracer;
    capture_.probes = tracer_->probes();
    return {};
}

// What the scenario lacks on this machine is named as such.
Unexpected Experiment::explained(const Error& error) const {
    return Unexpected(scenario_ != nullptr ? provoke::cannot_provoke(*scenario_, error) : error);
}

Result<void> Experiment::step(provoke::Step change) {
    if (change == nullptr) {
        return {};
    }
    auto changed = change(*stage_);
    return changed ? changed : explained(changed.error());
}

Result<provoke::Network> Experiment::make_network() const {
    if (is_remote()) {
        return provoke::own_network(options_.remote.bind_address);
    }
    const bool own_network = scenario_ != nullptr && scenario_->network != nullptr;
    return own_network ? scenario_->network() : provoke::make_network(options_.spec.path);
}

Result<Actors> Experiment::start() const {
    if (is_remote()) {
        return start_sender(options_, *network_);
    }
    return start_actors(options_.spec, *network_, scenario_ != nullptr ? scenario_->workload : provoke::Workload{});
}

Result<void> Experiment::set_the_stage() {
    if (options_.spec.provoke != "none") {
        auto found = provoke::find_scenario(options_.spec.provoke);
        if (!found) {
            return Unexpected(found.error());
        }
        scenario_ = *found;
    }
    auto network = make_network();
    if (!network) {
        return explained(network.error());
    }
    network_.emplace(std::move(*network));
    stage_.emplace(provoke::Stage{*network_, 0, 0, {}, {}, {}});
    auto prepared = step(scenario_ != nullptr ? scenario_->prepare : nullptr);
    if (prepared && options_.staged) {
        options_.staged(*network_);
    }
    return prepared;
}

Result<void> Experiment::prepare(PromptEnd& prompt_end) {
    const auto enter = [&](const char* phase) {
        prompt_end.phase(phase);
        progress_(phase, -1);
    };
    enter("setting up");
    if (auto set = set_the_stage(); !set) {
        return set;
    }
    enter("attaching probes");
    if (auto attached = attach(); !attached) {
        return attached;
    }
    enter(is_remote() ? "waiting for the receiver" : "connecting");
    auto actors = start();
    if (!actors) {
        return explained(actors.error());
    }
    actors_.emplace(std::move(*actors));
    stage_->server = actors_->server.pid();
    stage_->client = actors_->client ? actors_->client->pid() : 0;
    if (auto changed = step(scenario_ != nullptr ? scenario_->connected : nullptr); !changed) {
        return changed;
    }
    auto instruments = Instruments::prepare(options_, actors_->threads);
    if (!instruments) {
        return tl::make_unexpected(instruments.error());
    }
    instruments_.emplace(std::move(*instruments));
    enter("warming up");
    return warm_up(*actors_, options_.spec);
}

// What zero-copy sends of the server are bounded by.
void Experiment::read_server_limits() {
    auto& limits = capture_.environment.limits;
    const pid_t pid = actors_->server.pid();
    (void)network_->server.run([&]() -> Result<void> {
        if (const auto optmem = kernel::optmem_max(kernel::Root{})) {
            limits["server: net.core.optmem_max"] = std::to_string(*optmem);
        }
        return {};
    });
    if (const auto memlock = kernel::memlock_limit(kernel::Root{}, pid)) {
        limits["server: RLIMIT_MEMLOCK"] = *memlock == kernel::unlimited ? "unlimited" : std::to_string(*memlock);
    }
    if (const auto may = kernel::may_lock_memory(kernel::Root{}, pid)) {
        limits["server: CAP_IPC_LOCK"] = *may ? "yes" : "no";
    }
}

// Merged over the calls: a tap that was there at any time may have caused copies.
void Experiment::look_for_taps() {
    std::vector<std::pair<pid_t, const char*>> places{{actors_->server.pid(), "server"}};
    if (network_->client && actors_->client) {  // else there is one namespace, or one that is known
        places.emplace_back(actors_->client->pid(), "client");
    }
    for (const auto& [pid, label] : places) {
        const auto taps = kernel::find_taps(kernel::Root{}, pid, label);
        if (!taps) {
            continue;
        }
        for (const auto& tap : *taps) {
            const bool known = std::any_of(capture_.taps.begin(), capture_.taps.end(),
                                           [&](const model::TapFacts& other) { return other.inode == tap.inode; });
            if (!known) {
                capture_.taps.push_back(tap);
            }
        }
    }
}

Result<void> Experiment::start_instruments() {
    for (const workload::Child* child : actors_->children()) {
        const Role role = child == &actors_->server ? Role::server : Role::client;
        auto added = tracer_ ? tracer_->add_target(child->pid(), role) : Result<void>{};
        if (added) {
            added = instruments_->add_target(child->pid(), role);
        }
        if (!added) {
            return added;
        }
    }
    if (tracer_) {
        tracer_->start();
    }
    return instruments_->start(tracer_);
}

Result<void> Experiment::measure(workload::Interrupts& interrupts) {
    read_server_limits();
    look_for_taps();
    if (auto begun = start_instruments(); !begun) {
        return begun;
    }
    started_ = Clock::now();
    for (workload::Child* child : actors_->children()) {
        if (auto sent = child->command("measure"); !sent) {
            return sent;
        }
    }
    return wait_for_both(interrupts);
}

void Experiment::handle_interrupt(workload::Interrupts& interrupts) {
    interrupts.acknowledge();
    capture_.interrupted = "a signal ended the measured phase early";
    for (workload::Child* child : actors_->children()) {
        (void)child->command("stop");  // a child that is gone shows itself when it is waited for
    }
}

void Experiment::report_share() {
    const auto elapsed = std::chrono::duration<double, std::nano>(Clock::now() - started_).count();
    const double share =
        options_.spec.messages != 0 ? -1 : std::min(1.0, elapsed / static_cast<double>(options_.spec.duration_ns));
    progress_("measuring", share);
}

Result<void> Experiment::wait_for(workload::Child& child, model::WorkloadResult& result) {
    auto finished = child.wait_event("finished", end_patience);
    if (!finished) {
        return tl::make_unexpected(finished.error());
    }
    auto parsed = model::workload_result_from_json((*finished)["result"]);
    if (!parsed) {
        return tl::make_unexpected(parsed.error());
    }
    result = std::move(*parsed);
    return {};
}

Result<void> Experiment::wait_for_both(workload::Interrupts& interrupts) {
    struct Waiting {
        workload::Child* child;
        model::WorkloadResult* result;
    };
    std::vector<Waiting> open{{&actors_->server, &capture_.server}};
    if (actors_->client) {
        open.push_back({&*actors_->client, &capture_.client});
    }
    while (!open.empty()) {
        std::vector<pollfd> descriptors{{interrupts.fd(), POLLIN, 0}};
        for (const Waiting& waiting : open) {
            descriptors.push_back({waiting.child->control_fd(), POLLIN, 0});
        }
        ::poll(descriptors.data(), descriptors.size(), static_cast<int>(poll_interval.count()));
        if (tracer_) {
            tracer_->poll();
        }
        instruments_->poll();
        if (descriptors[0].revents != 0) {
            handle_interrupt(interrupts);
        }
        for (std::size_t i = open.size(); i-- > 0;) {
            if (descriptors[i + 1].revents == 0) {
                continue;
            }
            if (auto done = wait_for(*open[i].child, *open[i].result); !done) {
                return done;
            }
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        }
        report_share();
    }
    return {};
}

// A child that does not end is killed with this object; a signal means that nobody wants to wait for it.
void Experiment::end_children(const workload::Interrupts& interrupts) {
    for (workload::Child* child : actors_->children()) {
        (void)child->command("exit");
    }
    const auto deadline = Clock::now() + end_patience;
    for (workload::Child* child : actors_->children()) {
        pollfd signal{interrupts.fd(), POLLIN, 0};
        while (!child->wait_exit(poll_interval) && Clock::now() < deadline && ::poll(&signal, 1, 0) == 0) {
        }
    }
}

Capture Experiment::finish(workload::Interrupts& interrupts) {
    instruments_->stop();
    if (tracer_) {
        tracer_->stop();
    }
    look_for_taps();
    instruments_->collect({actors_->server.pid(), actors_->client ? actors_->client->pid() : 0}, options_, capture_);
    if (tracer_) {
        auto facts = tracer_->collect();
        capture_.sockets = std::move(facts.sockets);
        capture_.devices = std::move(facts.devices);
        capture_.late_copies = std::move(facts.late_copies);
        capture_.lost_events = facts.lost_events;
        capture_.lost_copies = facts.lost_copies;
        capture_.untracked_sockets = facts.untracked_sockets;
    }
    end_children(interrupts);
    if (interrupts.acknowledge()) {  // from here on a signal ends the process, which may be stuck writing to a pipe
        kept_.ask_for_no_more();
    }
    progress_("", -1);
    return std::move(capture_);
}

}  // namespace

Result<probes::Tracer*> KeptTracer::take(const probes::TracerOptions& options) {
    if (tracer_ && tracer_->serves(options)) {
        auto reset = tracer_->reset();
        return reset ? Result<probes::Tracer*>(&*tracer_) : Unexpected(reset.error());
    }
    tracer_.reset();
    auto attached = probes::Tracer::attach(options);
    if (!attached) {
        return Unexpected(attached.error());
    }
    tracer_.emplace(std::move(*attached));
    return &*tracer_;
}

Result<Capture> run_experiment(const ExperimentOptions& options, const Progress& progress) {
    KeptTracer kept;
    return run_experiment(options, progress, kept);
}

Result<Capture> run_experiment(const ExperimentOptions& options, const Progress& progress, KeptTracer& kept) {
    std::optional<PromptEnd> prompt_end("netio-trace");
    Experiment experiment(options, progress, kept);
    if (auto prepared = experiment.prepare(*prompt_end); !prepared) {
        progress("", -1);
        return tl::make_unexpected(prepared.error());
    }
    auto interrupts = workload::Interrupts::block();
    prompt_end.reset();
    if (!interrupts) {
        return tl::make_unexpected(interrupts.error());
    }
    if (auto measured = experiment.measure(*interrupts); !measured) {
        progress("", -1);
        return tl::make_unexpected(measured.error());
    }
    return experiment.finish(*interrupts);
}

}  // namespace netio::app
