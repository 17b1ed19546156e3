// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/figure.h"

// Why a counter could not be had, in words that say what to do.

namespace netio::perf {

// What the machine says of its own performance counters.
struct Host {
    std::vector<std::string> pmus;         // names of the core PMUs: "cpu", "cpu_atom", "armv8_pmuv3_0"
    model::Figure<std::int64_t> paranoid;  // kernel.perf_event_paranoid
    bool seccomp_filter = false;           // system calls of this process are judged by one
};

// Reads below `root`, which is "/" but in tests. Never fails: what cannot be read is missing with its reason.
Host host_facts(const std::filesystem::path& root = "/");

// An errno of perf_event_open(2) and what it means. Pure data, one row each.
struct Meaning {
    int error_number;
    std::string_view what;    // in words, where it is not the kernel's own word that says most
    std::string_view advice;  // the one thing to try; empty: there is none
    bool says_errno = true;   // whether the kernel's word is added
};
std::span<const Meaning> meanings();

// The errno of perf_event_open(2) for an event of `type` (PERF_TYPE_*), as a reason with advice where there is any.
std::string refusal(int error_number, std::uint32_t type, const Host& host);

}  // namespace netio::perf
