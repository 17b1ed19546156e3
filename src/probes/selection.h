// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/capture.h"
#include "probes/catalogue.h"

namespace netio::probes {

// Whether one program can be loaded and attached on the running kernel; the error's `why` is the refusal.
using Try = std::function<Result<void>(const Program&)>;

struct Choice {
    const Probe* probe = nullptr;
    const Variant* variant = nullptr;  // null: none could be attached
    std::vector<std::string> refused;  // "fentry/skb_copy_ubufs: Operation not permitted (EPERM)"
    std::vector<Program> beside{};     // of the probe's, those that can be attached as well
};

struct Conditions {
    // Leaves only the variants of that tier, except for probes that have no variant of it at all (a fact that only
    // tracepoints show).
    model::Tier forced = model::Tier::automatic;
    bool preempted = false;  // tasks are preempted while they run a program on a function
};

// For each probe the first variant of which every program can be attached. Pure but for `attempt`.
std::vector<Choice> select_variants(const std::vector<Probe>& probes, const Conditions& conditions, const Try& attempt);

// The programs of all chosen variants, each once, in the catalogue's order.
std::vector<Program> programs_of(const std::vector<Choice>& choices);

std::vector<model::ProbeFacts> describe_choices(const std::vector<Choice>& choices);

// An error where the forced tier leaves out a required probe: what was asked for by name never falls back silently.
Result<void> check_forced(const std::vector<Choice>& choices, model::Tier forced);

// What the verifier said last in the log of a failed load, as libbpf prints it; empty where it said nothing. The word
// for a refusal of the real program, where an empty one is not refused.
std::string verifier_word(std::string_view complaint);

}  // namespace netio::probes
