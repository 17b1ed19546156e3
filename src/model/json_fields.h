// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include "model/capture.h"

// The fields of every structure of a capture, once, for the writer and the reader alike, so that the two cannot differ.
// A key is the name of the member. `fields(archive, s)` calls archive(key, member) in the order of the JSON text.

namespace netio::model::detail {

// S is T or const T: const for the writer.
template <class S, class T>
concept Of = std::same_as<std::remove_const_t<S>, T>;

// What an enum is called in messages, and its table of words.
template <class E>
struct Vocabulary;
template <class E>
concept Word = requires {
    Vocabulary<E>::noun;
};

template <>
struct Vocabulary<CopyMode> {
    static constexpr auto noun = "mode";
    static constexpr const auto& names = copy_mode_names;
};
template <>
struct Vocabulary<Path> {
    static constexpr auto noun = "path";
    static constexpr const auto& names = path_names;
};
template <>
struct Vocabulary<Tier> {
    static constexpr auto noun = "tier";
    static constexpr const auto& names = tier_names;
};
template <>
struct Vocabulary<Role> {
    static constexpr auto noun = "role";
    static constexpr const auto& names = role_names;
};
template <>
struct Vocabulary<Direction> {
    static constexpr auto noun = "direction";
    static constexpr const auto& names = direction_names;
};
template <>
struct Vocabulary<Runner> {
    static constexpr auto noun = "runner";
    static constexpr const auto& names = runner_names;
};
template <>
struct Vocabulary<Site> {
    static constexpr auto noun = "site";
    static constexpr const auto& names = site_names;
};

template <class A>
void fields(A& a, Of<Spec> auto& s) {
    a("mode", s.mode);
    a("path", s.path);
    a("tier", s.tier);
    a("provoke", s.provoke);
    a("size_bytes", s.size_bytes);
    a("threads", s.threads);
    a("messages", s.messages);
    a("duration_ns", s.duration_ns);
    a("warmup_ns", s.warmup_ns);
    a("verify", s.verify);
}

template <class A>
void fields(A& a, Of<Environment> auto& s) {
    a("tool_version", s.tool_version);
    a("kernel_release", s.kernel_release);
    a("machine", s.machine);
    a("cpu_model", s.cpu_model);
    a("cpus", s.cpus);
    a("hypervisor", s.hypervisor);
    a("lockdown", s.lockdown);
    a("started_utc", s.started_utc);
    a("limits", s.limits);
}

template <class A>
void fields(A& a, Of<Tally> auto& s) {
    a("calls", s.calls);
    a("bytes", s.bytes);
}

template <class A>
void fields(A& a, Of<SocketFacts> auto& s) {
    a("slot", s.slot);
    a("pid", s.pid);
    a("command", s.command);
    a("role", s.role);
    a("local", s.local);
    a("remote", s.remote);
    a("netns", s.netns);
    a("protocol", s.protocol);
    a("option_memory_bytes", s.option_memory_bytes);
    a("sites", s.sites);
    a("send_errors", s.send_errors);
}

template <class A>
void fields(A& a, Of<DeviceFacts> auto& s) {
    a("key", s.key);
    a("name", s.name);
    a("kind", s.kind);
    a("ifindex", s.ifindex);
    a("netns", s.netns);
    a("scatter_gather", s.scatter_gather);
    a("checksum", s.checksum);
    a("segmentation", s.segmentation);
}

template <class A>
void fields(A& a, Of<LateCopyFacts> auto& s) {
    a("slot", s.slot);
    a("device", s.device);
    a("direction", s.direction);
    a("copies", s.copies);
    a("bytes", s.bytes);
    a("pages", s.pages);
    a("user_pages", s.user_pages);
    a("stack", s.stack);
}

template <class A>
void fields(A& a, Of<CounterReading> auto& s) {
    a("role", s.role);
    a("thread_id", s.thread_id);
    a("event", s.event);
    a("space", s.space);
    a("count", s.count);
    a("enabled_ns", s.enabled_ns);
    a("running_ns", s.running_ns);
    a("pmu", s.pmu);
}

template <class A>
void fields(A& a, Of<ProcessorReading> auto& s) {
    a("cpu", s.cpu);
    a("event", s.event);
    a("count", s.count);
    a("enabled_ns", s.enabled_ns);
    a("running_ns", s.running_ns);
    a("pmu", s.pmu);
}

template <class A>
void fields(A& a, Of<ProbeFacts> auto& s) {
    a("probe", s.probe);
    a("meaning", s.meaning);
    a("required", s.required);
    a("tier", s.tier);
    a("attached", s.attached);
    a("refused", s.refused);
    a("limits", s.limits);
}

template <class A>
void fields(A& a, Of<ProfileStack> auto& s) {
    a("runner", s.runner);
    a("task", s.task);
    a("user", s.user);
    a("samples", s.samples);
    a("weight", s.weight);
    a("frames", s.frames);
}

// How samples were taken, and how many; of a profile and of what it is folded to.
template <class A>
void sampling_fields(A& a, auto& s) {
    a("event", s.event);
    a("unit", s.unit);
    a("not_cycles", s.not_cycles);
    a("rate_hz", s.rate_hz);
    a("cpus", s.cpus);
    a("samples", s.samples);
    a("left_out", s.left_out);
    a("lost", s.lost);
    a("throttled", s.throttled);
}

template <class A>
void fields(A& a, Of<ProfileFacts> auto& s) {
    sampling_fields(a, s);
    a("weight", s.weight);
    a("counted", s.counted);
    a("enabled_ns", s.enabled_ns);
    a("running_ns", s.running_ns);
    a("stacks", s.stacks);
}

template <class A>
void fields(A& a, Of<ProgramRuns> auto& s) {
    a("program", s.program);
    a("runs", s.runs);
    a("ns", s.ns);
    a("skipped", s.skipped);
}

template <class A>
void fields(A& a, Of<TimedPassages> auto& s) {
    a("role", s.role);
    a("calls", s.calls);
    a("ns", s.ns);
    a("cycles", s.cycles);
    a("instructions", s.instructions);
}

template <class A>
void fields(A& a, Of<TimedStage> auto& s) {
    a("id", s.id);
    a("name", s.name);
    a("functions", s.functions);
    a("unseen", s.unseen);
    a("waiting", s.waiting);
    a("passages", s.passages);
}

template <class A>
void fields(A& a, Of<TimingFacts> auto& s) {
    a("not_counted", s.not_counted);
    a("stages", s.stages);
    a("missed", s.missed);
}

template <class A>
void fields(A& a, Of<TapFacts> auto& s) {
    a("namespace_of", s.namespace_of);
    a("inode", s.inode);
    a("protocol", s.protocol);
    a("pid", s.pid);
    a("command", s.command);
    a("device", s.device);
}

template <class A>
void fields(A& a, Of<HistogramData> auto& s) {
    a("count", s.count);
    a("sum", s.sum);
    a("min", s.min);
    a("max", s.max);
    a("buckets", s.buckets);
}

template <class A>
void fields(A& a, Of<ErrorQueueClaim> auto& s) {
    a("notifications", s.notifications);
    a("calls_zerocopy", s.calls_zerocopy);
    a("calls_copied", s.calls_copied);
}

template <class A>
void fields(A& a, Of<ConnectionResult> auto& s) {
    a("index", s.index);
    a("thread_id", s.thread_id);
    a("messages", s.messages);
    a("bytes", s.bytes);
    a("calls", s.calls);
    a("partial_calls", s.partial_calls);
    a("enobufs", s.enobufs);
    a("program_copied_bytes", s.program_copied_bytes);
    a("error_queue", s.error_queue);
    a("unread_completions", s.unread_completions);
    a("verified_bytes", s.verified_bytes);
    a("corrupt_bytes", s.corrupt_bytes);
    a("cpu_user_ns", s.cpu_user_ns);
    a("cpu_system_ns", s.cpu_system_ns);
    a("voluntary_switches", s.voluntary_switches);
    a("involuntary_switches", s.involuntary_switches);
    a("send_call_ns", s.send_call_ns);
    a("delivery_ns", s.delivery_ns);
    a("completion_ns", s.completion_ns);
}

template <class A>
void fields(A& a, Of<WorkloadResult> auto& s) {
    a("role", s.role);
    a("pid", s.pid);
    a("wall_ns", s.wall_ns);
    a("zerocopy_opt_in", s.zerocopy_opt_in);
    a("delivery_missing", s.delivery_missing);
    a("failure", s.failure);
    a("connections", s.connections);
}

template <class A>
void fields(A& a, Of<Capture> auto& s) {
    a("spec", s.spec);
    a("environment", s.environment);
    a("interrupted", s.interrupted);
    a("server", s.server);
    a("client", s.client);
    a("sockets", s.sockets);
    a("devices", s.devices);
    a("late_copies", s.late_copies);
    a("probes", s.probes);
    a("counters", s.counters);
    a("machine_counters", s.machine_counters);
    a("taps", s.taps);
    a("profile", s.profile);
    a("timing", s.timing);
    a("program_runs", s.program_runs);
    a("lost_events", s.lost_events);
    a("lost_copies", s.lost_copies);
    a("untracked_sockets", s.untracked_sockets);
}

}  // namespace netio::model::detail
