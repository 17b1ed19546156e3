// SPDX-License-Identifier: MIT
#include "app/doctor_facts.h"

#include <sys/capability.h>
#include <unistd.h>

#include <memory>

#include "app/counting.h"
#include "app/utc.h"
#include "kernel/environment.h"
#include "kernel/limits.h"
#include "kernel/taps.h"
#include "perf/facts.h"
#include "probes/tracer.h"

namespace netio::app {

namespace {

using report::DoctorFacts;

// kernel::Capabilities has those that tracing needs; this one only lifts a limit (mm_account_pinned_pages).
bool may_lock_memory() {
    const std::unique_ptr<_cap_struct, int (*)(void*)> held(::cap_get_proc(), ::cap_free);
    cap_flag_value_t value = CAP_CLEAR;
    return held && ::cap_get_flag(held.get(), CAP_IPC_LOCK, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
}

void collect_user(DoctorFacts& facts) {
    const kernel::Capabilities own = kernel::own_capabilities().value_or(kernel::Capabilities{});
    const std::string networks = "to make network namespaces";
    // Since 5.8 there are finer ones, but the kernel still takes CAP_SYS_ADMIN for them (bpf_capable, perfmon_capable).
    const std::string probes = own.sys_admin ? "by nothing here, as CAP_SYS_ADMIN stands for it" : "to attach probes";
    facts.user_id = ::geteuid();
    facts.memlock_skipped = may_lock_memory();
    facts.can_make_networks = own.sys_admin && own.net_admin;
    facts.capabilities = {{"CAP_SYS_ADMIN", networks, own.sys_admin},
                          {"CAP_NET_ADMIN", networks, own.net_admin},
                          {"CAP_BPF", probes, own.bpf},
                          {"CAP_PERFMON", probes, own.perfmon},
                          {"CAP_NET_RAW", "for --provoke packet-tap", own.net_raw},
                          {"CAP_IPC_LOCK", "to pin more than RLIMIT_MEMLOCK", facts.memlock_skipped}};
}

void collect_kernel(DoctorFacts& facts, const kernel::Root& root) {
    facts.environment = kernel::read_environment(root, utc_now());
    facts.environment.tool_version = NETIO_VERSION;
    facts.btf = kernel::has_btf(root);
    facts.kprobes = kernel::kprobe_support(root).any();
    if (const auto folder = kernel::tracefs_folder(root)) {
        facts.tracefs = folder->string();
    }
}

void collect_counters(DoctorFacts& facts) {
    const perf::PmuFacts pmu = perf::pmu_facts(plan_with({}));
    facts.pmus = pmu.host.pmus;
    for (const auto& event : pmu.events) {
        facts.events.push_back({event.event, event.refusal});
    }
}

void collect_taps(DoctorFacts& facts, const kernel::Root& root) {
    auto taps = kernel::find_taps(root, ::getpid(), "host");
    if (taps) {
        facts.taps = std::move(*taps);
    } else {
        facts.taps_unknown = describe(taps.error());
    }
}

void collect_probes(DoctorFacts& facts, const Progress& progress) {
    const auto survey = [&](model::Tier tier) {
        progress("loading and attaching probes: " + std::string(to_string(tier)), -1);
        return probes::survey_probes(tier);
    };
    facts.probes = survey(facts.asked);
    if (facts.asked == model::Tier::automatic) {
        for (const model::Tier tier : {model::Tier::fentry, model::Tier::kprobe, model::Tier::tracepoint}) {
            facts.tiers.push_back({tier, survey(tier)});
        }
    }
    progress("", -1);
}

}  // namespace

DoctorFacts collect_doctor_facts(model::Tier tier, const Progress& progress) {
    const kernel::Root root;
    DoctorFacts facts;
    facts.asked = tier;
    collect_kernel(facts, root);
    collect_user(facts);
    collect_counters(facts);
    collect_taps(facts, root);
    collect_probes(facts, progress);
    return facts;
}

}  // namespace netio::app
