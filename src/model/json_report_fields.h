// SPDX-License-Identifier: MIT
#pragma once

#include "model/comparison.h"
#include "model/json_fields.h"
#include "model/report.h"

// The fields of a report, for the writer only: a report is derived from a capture, never read back.

namespace netio::model::detail {

template <class A>
void fields(A& a, const Account& s) {
    a("id", s.id);
    a("stage", s.stage);
    a("what", s.what);
    a("bytes", s.bytes);
    a("calls", s.calls);
    a("copies_per_byte", s.copies_per_byte);
    a("where", s.where);
    a("cost_per_byte", s.cost_per_byte);
}

template <class A>
void fields(A& a, const Balance& s) {
    a("id", s.id);
    a("equation", s.equation);
    a("left", s.left);
    a("right", s.right);
    a("unexplained", s.unexplained);
}

template <class A>
void fields(A& a, const Ledger& s) {
    a("payload_bytes", s.payload_bytes);
    a("send_calls", s.send_calls);
    a("accounts", s.accounts);
    a("balances", s.balances);
    a("unexplained_bytes", s.unexplained_bytes);
    a("copies_per_byte", s.copies_per_byte);
    a("sender_copies_per_byte", s.sender_copies_per_byte);
}

template <class A>
void fields(A& a, const Witnesses& s) {
    a("told_calls", s.told_calls);
    a("told_copied_calls", s.told_copied_calls);
    a("recorded_calls", s.recorded_calls);
    a("recorded_copied_calls", s.recorded_copied_calls);
    a("recorded_copied_bytes", s.recorded_copied_bytes);
    a("moved_flagged_bytes", s.moved_flagged_bytes);
    a("moved_silent_bytes", s.moved_silent_bytes);
    a("moved_clone_bytes", s.moved_clone_bytes);
    a("agree", s.agree);
    a("sentences", s.sentences);
}

template <class A>
void fields(A& a, const Finding& s) {
    a("cause", s.cause);
    a("bytes", s.bytes);
    a("calls", s.calls);
    a("share", s.share);
    a("silent", s.silent);
    a("sentence", s.sentence);
    a("remedy", s.remedy);
    a("device", s.device);
    a("who", s.who);
    a("stack", s.stack);
    a("evidence_wanted", s.evidence_wanted);
    a("evidence", s.evidence);
}

template <class A>
void fields(A& a, const Latency& s) {
    a("id", s.id);
    a("name", s.name);
    a("samples", s.samples);
    a("p50_ns", s.p50_ns);
    a("p90_ns", s.p90_ns);
    a("p99_ns", s.p99_ns);
    a("p999_ns", s.p999_ns);
    a("mean_ns", s.mean_ns);
    a("max_ns", s.max_ns);
}

template <class A>
void fields(A& a, const CounterPart& s) {
    a("pmu", s.pmu);
    a("user", s.user);
    a("kernel", s.kernel);
    a("total", s.total);
}

template <class A>
void fields(A& a, const CounterRow& s) {
    a("role", s.role);
    a("event", s.event);
    a("user", s.user);
    a("kernel", s.kernel);
    a("total", s.total);
    a("counted", s.counted);
    a("running_share", s.running_share);
    a("per_byte", s.per_byte);
    a("parts", s.parts);
}

template <class A>
void fields(A& a, const MachineRow& s) {
    a("event", s.event);
    a("total", s.total);
    a("counted", s.counted);
    a("running_share", s.running_share);
    a("per_byte", s.per_byte);
    a("parts", s.parts);
}

template <class A>
void fields(A& a, const MachineCounters& s) {
    a("cpus", s.cpus);
    a("rows", s.rows);
}

template <class A>
void fields(A& a, const SampleSum& s) {
    a("samples", s.samples);
    a("weight", s.weight);
}

template <class A>
void fields(A& a, const StageCost& s) {
    a("id", s.id);
    a("name", s.name);
    a("server", s.server);
    a("client", s.client);
    a("elsewhere", s.elsewhere);
    a("server_per_byte", s.server_per_byte);
    a("client_per_byte", s.client_per_byte);
    a("elsewhere_per_byte", s.elsewhere_per_byte);
    a("per_byte", s.per_byte);
    a("share", s.share);
    a("margin", s.margin);
    a("functions", s.functions);
}

template <class A>
void fields(A& a, const Profile& s) {
    sampling_fields(a, s);
    a("running_share", s.running_share);
    a("covered_share", s.covered_share);
    a("named_share", s.named_share);
    a("stages", s.stages);
    a("total", s.total);
}

template <class A>
void fields(A& a, const Overhead& s) {
    a("runs", s.runs);
    a("ns", s.ns);
    a("skipped", s.skipped);
    a("runs_per_send", s.runs_per_send);
    a("ns_per_send", s.ns_per_send);
    a("ns_per_byte", s.ns_per_byte);
    a("share", s.share);
    a("programs", s.programs);
}

template <class A>
void fields(A& a, const StageTime& s) {
    a("id", s.id);
    a("name", s.name);
    a("functions", s.functions);
    a("waiting", s.waiting);
    a("calls", s.calls);
    a("ns_per_byte", s.ns_per_byte);
    a("server_ns_per_byte", s.server_ns_per_byte);
    a("client_ns_per_byte", s.client_ns_per_byte);
    a("cycles_per_byte", s.cycles_per_byte);
    a("instructions_per_byte", s.instructions_per_byte);
    a("share", s.share);
}

template <class A>
void fields(A& a, const Timing& s) {
    a("stages", s.stages);
    a("total", s.total);
    a("covered_share", s.covered_share);
    a("not_counted", s.not_counted);
    a("missed", s.missed);
}

template <class A>
void fields(A& a, const Report& s) {
    a("spec", s.spec);
    a("environment", s.environment);
    a("interrupted", s.interrupted);
    a("complete", s.complete);
    a("verdict", s.verdict);
    a("ledger", s.ledger);
    a("witnesses", s.witnesses);
    a("findings", s.findings);
    a("latencies", s.latencies);
    a("counters", s.counters);
    a("machine_counters", s.machine_counters);
    a("profile", s.profile);
    a("timing", s.timing);
    a("overhead", s.overhead);
    a("coverage", s.coverage);
    a("taps", s.taps);
    a("throughput_bits_per_second", s.throughput_bits_per_second);
    a("wall_ns", s.wall_ns);
    a("connections", s.connections);
    a("not_seen", s.not_seen);
    a("warnings", s.warnings);
}

template <class A>
void fields(A& a, const Spread& s) {
    a("median", s.median);
    a("low", s.low);
    a("high", s.high);
    a("runs", s.runs);
}

template <class A>
void fields(A& a, const ComparedStage& s) {
    a("id", s.id);
    a("name", s.name);
    a("per_byte", s.per_byte);
    a("difference", s.difference);
}

template <class A>
void fields(A& a, const ComparedMode& s) {
    a("mode", s.mode);
    a("bits_per_second", s.bits_per_second);
    a("copies_per_byte", s.copies_per_byte);
    a("causes", s.causes);
}

template <class A>
void fields(A& a, const Term& s) {
    a("name", s.name);
    a("per_byte", s.per_byte);
}

template <class A>
void fields(A& a, const Comparison& s) {
    a("verdict", s.verdict);
    a("spec", s.spec);
    a("unit", s.unit);
    a("event", s.event);
    a("rounds", s.rounds);
    a("incomplete", s.incomplete);
    a("cost_ratio", s.cost_ratio);
    a("counted_ratio", s.counted_ratio);
    a("speed_ratio", s.speed_ratio);
    a("sum", s.sum);
    a("modes", s.modes);
    a("stages", s.stages);
    a("total", s.total);
    a("copying", s.copying);
    a("overhead", s.overhead);
}

template <class A>
void fields(A& a, const BreakEven& s) {
    a("bytes", s.bytes);
    a("low", s.low);
    a("high", s.high);
}

template <class A>
void fields(A& a, const Prediction& s) {
    a("fitted", s.fitted);
    a("fixed_per_send", s.fixed_per_send);
    a("overhead_per_send", s.overhead_per_send);
    a("per_byte", s.per_byte);
    a("copied_per_byte", s.copied_per_byte);
    a("copy_per_byte", s.copy_per_byte);
    a("as_copied", s.as_copied);
    a("if_saved", s.if_saved);
}

template <class A>
void fields(A& a, const Statement& s) {
    a("about", s.about);
    a("text", s.text);
}

template <class A>
void fields(A& a, const SizeComparison& s) {
    a("verdict", s.verdict);
    a("other_view", s.other_view);
    a("interrupted", s.interrupted);
    a("measured", s.measured);
    a("prediction", s.prediction);
    a("why_none", s.why_none);
    a("statements", s.statements);
    a("sizes", s.sizes);
}

}  // namespace netio::model::detail
