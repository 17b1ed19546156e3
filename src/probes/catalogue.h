// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/vocabulary.h"

namespace netio::probes {

// How one BPF program hangs on the kernel.
enum class Hook { fentry, fexit, kprobe, tracepoint, perf_tracepoint };

struct Program {
    std::string_view name;  // in bpf/netio_trace.bpf.c
    Hook hook;
    std::string_view symbol;  // kernel function, or tracepoint
    // It must have just as many; 0: the program does not care. A program on the end of a function finds the result
    // behind the arguments, and would take an argument for it.
    std::uint32_t arguments = 0;
    std::string_view module{};  // that the function is in; empty: the kernel itself
};

// "fentry/skb_copy_ubufs", "tp_btf/mm_page_alloc"
std::string spell(const Program& program);

// One way to learn a fact: all its programs, or none.
struct Variant {
    model::Tier tier;
    std::vector<Program> programs;
    std::string_view since;     // kernel version that introduced the names, for people; nothing is decided by it
    std::string_view limits{};  // what this variant cannot see that better ones can
    // It is for kernels that preempt a task while it runs a program, and skip that program meanwhile: some of its
    // programs are never preempted, of whatever tier (bpf/unpreempted.h). So it is not for a forced tier.
    bool against_preemption = false;
};

// One fact worth knowing, with its variants in order of preference.
struct Probe {
    std::string_view id;
    std::string_view meaning;
    bool required;  // without it the ledger cannot be closed
    std::vector<Variant> variants;
    // Complete each variant of the fentry tier, every one for itself and where its function is, now that the probe is
    // attached: what protocols do that stand before TCP, in functions of their own.
    std::vector<Program> beside{};
};

// Every probe of the project. Renamed kernel functions are further variants.
const std::vector<Probe>& catalogue();

}  // namespace netio::probes
