// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "kernel/root.h"

namespace netio::probes {

// What the running kernel describes of itself in sys/kernel/btf/vmlinux (Documentation/bpf/btf.rst), as far as programs
// are attached by it: its functions and tracepoints. One pass over the types; libbpf's own look-ups walk all of them
// once for each name.
class KernelTypes {
 public:
    // Errors: the kernel has no type information, or of a kind that this reader does not know.
    static Result<KernelTypes> load(const kernel::Root& root);
    static Result<KernelTypes> parse(std::string bytes);

    KernelTypes(KernelTypes&&) = default;
    KernelTypes& operator=(KernelTypes&&) = default;
    KernelTypes(const KernelTypes&) = delete;
    KernelTypes& operator=(const KernelTypes&) = delete;
    ~KernelTypes() = default;

    // The type id of a function that is neither inlined everywhere nor left out as ambiguous; 0 where there is none.
    std::uint32_t function(std::string_view name) const;
    // The type id that a program on this tracepoint is attached by; 0 where there is none.
    std::uint32_t tracepoint(std::string_view name) const;

 private:
    KernelTypes() = default;
    Result<void> index(std::string_view types, std::string_view strings);

    std::string bytes_;  // the names below point into it
    std::unordered_map<std::string_view, std::uint32_t> functions_;
    std::unordered_map<std::string_view, std::uint32_t> tracepoints_;
};

}  // namespace netio::probes
