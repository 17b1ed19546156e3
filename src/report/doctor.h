// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/capture.h"
#include "report/style.h"

// What `netio-trace doctor` says of a machine. Collecting the facts is the app's; all here follows from them.

namespace netio::report {

// One that the effective user of the process has or lacks (capabilities(7)).
struct CapabilityFacts {
    std::string name;     // "CAP_NET_ADMIN"
    std::string purpose;  // what goes without it, as in "needed " + purpose
    bool held = false;
};

// A perf event, and why it cannot be counted; no reason: it can.
struct CountableEvent {
    std::string event;
    std::string refusal;
};

// What a tier gives when it is forced.
struct TierFacts {
    model::Tier tier = model::Tier::automatic;
    std::vector<model::ProbeFacts> probes;
};

struct DoctorFacts {
    model::Environment environment;  // the limits too
    bool btf = false;
    std::string tracefs;  // the folder it is mounted on; empty: nowhere
    bool kprobes = false;
    std::uint32_t user_id = 0;
    std::vector<CapabilityFacts> capabilities;
    bool can_make_networks = false;  // CAP_SYS_ADMIN and CAP_NET_ADMIN, without which nothing is run
    bool memlock_skipped = false;    // CAP_IPC_LOCK
    model::Tier asked = model::Tier::automatic;
    std::vector<model::ProbeFacts> probes;
    std::vector<TierFacts> tiers;   // each that was tried by itself
    std::vector<std::string> pmus;  // of the CPU's cores; empty: none
    std::vector<CountableEvent> events;
    std::vector<model::TapFacts> taps;
    std::string taps_unknown;  // why the taps could not be listed; empty: they could
};

// What follows for the user.
struct DoctorVerdict {
    bool traceable = false;  // `netio-trace run` can trace something here
    std::string text;        // whole sentences
    ExitCode exit_code() const { return traceable ? ExitCode::ok : ExitCode::privilege; }
};

DoctorVerdict judge(const DoctorFacts& facts);

// For a person; no line is wider than style.columns.
std::string render_doctor(const DoctorFacts& facts, const TerminalStyle& style);
// The same as one JSON object with schema_version; environment, probes and taps have the form they have in a capture.
std::string render_doctor_json(const DoctorFacts& facts);

}  // namespace netio::report
