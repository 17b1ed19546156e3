// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/capture.h"

// A finished report: every figure computed, every sentence written. Renderers only lay it out.

namespace netio::model {

// One account of the double-entry ledger.
struct Account {
    std::string id;     // "sent.pinned", stable, stands in JSON and CSV
    std::string stage;  // "program", "program -> kernel", "inside the kernel", "kernel -> program"
    std::string what;   // "pinned", "copied", "copied late", ...
    Figure<std::uint64_t> bytes;
    Figure<std::uint64_t> calls;
    Figure<double> copies_per_byte;  // copies this account adds to a payload byte (0 for references)
    std::string where;               // kernel function(s) and device: "skb_copy_ubufs <- ip_local_deliver_finish, veth"
    // Of a payload byte, in the unit of the profile: the class that is this account's work. None: no profile was taken,
    // or no class is this account's alone.
    std::optional<double> cost_per_byte = {};
    bool operator==(const Account&) const = default;
};

// One equation of the ledger: what stands on both sides must be equal, the difference is unexplained.
struct Balance {
    std::string id;        // "sent", "completed", "delivered", "received"
    std::string equation;  // "returned by send calls = copied + pinned + spliced"
    Figure<std::uint64_t> left;
    Figure<std::uint64_t> right;
    Figure<std::uint64_t> unexplained;  // |left - right|, n/a when a side is
    bool operator==(const Balance&) const = default;
};

struct Ledger {
    Figure<std::uint64_t> payload_bytes;  // what the send calls returned
    Figure<std::uint64_t> send_calls;
    std::vector<Account> accounts;  // in the order of a byte's life
    std::vector<Balance> balances;
    Figure<std::uint64_t> unexplained_bytes;  // sum over the balances
    Figure<double> copies_per_byte;           // end to end; the sum of the accounts'
    Figure<double> sender_copies_per_byte;    // the same without what the receiver's calls copied
    bool operator==(const Ledger&) const = default;
};

// Three witnesses of a copy, kept apart.
struct Witnesses {
    // 1. what the error queue told the program
    Figure<std::uint64_t> told_calls;
    Figure<std::uint64_t> told_copied_calls;
    // 2. the kernel's own record per ubuf_info, before notifications are merged
    Figure<std::uint64_t> recorded_calls;
    Figure<std::uint64_t> recorded_copied_calls;
    Figure<std::uint64_t> recorded_copied_bytes;
    // 3. the bytes that copy functions really moved, user pages only
    Figure<std::uint64_t> moved_flagged_bytes;  // by functions that set the flag
    Figure<std::uint64_t> moved_silent_bytes;   // by functions that tell nobody
    Figure<std::uint64_t> moved_clone_bytes;    // of a tap's clone: the wire still carries user pages
    bool agree = false;
    std::vector<std::string> sentences;  // "they agree", or where they do not, in words
    bool operator==(const Witnesses&) const = default;
};

// A cause of copying (or of refusal), with the evidence it was concluded from.
struct Finding {
    std::string cause;  // id in docs/causes.json: "local-delivery"
    Figure<std::uint64_t> bytes;
    std::uint64_t calls = 0;
    double share = 0;      // of the payload bytes
    bool silent = false;   // the program was not told
    std::string sentence;  // why, with the names of this run
    std::string remedy;
    std::string device;  // "veth0 (veth)"
    std::string who;     // "netio-tap (pid 4711)"; empty where nobody in particular
    std::vector<std::string> stack;
    std::string evidence_wanted;        // what the catalogue asks for
    std::vector<std::string> evidence;  // what was found, in lines: stacks, devices, sockets, errors, limits
    bool operator==(const Finding&) const = default;
};

// A set of latency percentiles; those the sample count does not support are missing, with the reason.
struct Latency {
    std::string id;    // "send-call", "delivery", "completion"
    std::string name;  // "send()", "delivery", "completion"
    std::uint64_t samples = 0;
    Figure<double> p50_ns, p90_ns, p99_ns, p999_ns;
    Figure<double> mean_ns, max_ns;
    bool operator==(const Latency&) const = default;
};

// What one of several PMUs contributed to a row.
struct CounterPart {
    std::string pmu;
    Figure<std::uint64_t> user, kernel, total;
    bool operator==(const CounterPart&) const = default;
};

struct CounterRow {
    Role role = Role::server;
    std::string event;
    Figure<std::uint64_t> user, kernel, total;  // scaled to the whole window, summed over threads and PMUs
    Figure<std::uint64_t> counted;              // the total as it was read, not scaled
    double running_share = 1.0;                 // smallest of the summed events; below 1 the figures are scaled
    Figure<double> per_byte;                    // total per payload byte
    std::vector<CounterPart> parts = {};        // of several PMUs; none where there is but one
    bool operator==(const CounterRow&) const = default;
};

// The same of the whole machine, all processors together, in both spaces.
struct MachineRow {
    std::string event;
    Figure<std::uint64_t> total;
    Figure<std::uint64_t> counted;
    double running_share = 1.0;
    Figure<double> per_byte;
    std::vector<CounterPart> parts = {};
    bool operator==(const MachineRow&) const = default;
};

struct MachineCounters {
    std::uint64_t cpus = 0;  // that were counted on
    std::vector<MachineRow> rows;
    bool operator==(const MachineCounters&) const = default;
};

struct Report {
    Spec spec;
    Environment environment;
    std::string interrupted;
    std::string verdict;  // one or two sentences, first thing a reader sees
    Ledger ledger;
    Witnesses witnesses;
    std::vector<Finding> findings;  // by bytes, largest first
    std::vector<Latency> latencies;
    std::vector<CounterRow> counters;
    std::optional<MachineCounters> machine_counters;  // none: they were not asked for
    std::optional<Profile> profile;                   // likewise
    std::optional<Timing> timing;                     // likewise
    std::optional<Overhead> overhead;
    std::vector<ProbeFacts> coverage;
    std::vector<TapFacts> taps;
    Figure<double> throughput_bits_per_second;
    std::int64_t wall_ns = 0;
    std::vector<std::string> not_seen;  // what was not measured and why, one line each
    std::vector<std::string> warnings;  // lost events, corrupt payload, ...
    std::uint64_t connections = 0;
    bool complete = true;  // false: exit code 4
    bool operator==(const Report&) const = default;
};

}  // namespace netio::model
