// SPDX-License-Identifier: MIT
#pragma once

#include <linux/btf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
    // `base`: of a module, the kernel's own types, which it goes on counting from and refers to; they must outlive it.
    static Result<KernelTypes> parse(std::string bytes, const KernelTypes* base = nullptr);
    // Those of a module, with the kernel's own below them. Errors: it is not loaded, or describes no types (before
    // Linux 5.11 none does).
    Result<KernelTypes> load_module(const kernel::Root& root, std::string_view module) const;

    KernelTypes(KernelTypes&&) = default;
    KernelTypes& operator=(KernelTypes&&) = default;
    KernelTypes(const KernelTypes&) = delete;
    KernelTypes& operator=(const KernelTypes&) = delete;
    ~KernelTypes() = default;

    // The type id of a function that is neither inlined everywhere nor left out as ambiguous; 0 where there is none.
    std::uint32_t function(std::string_view name) const;
    // The type id that a program on this tracepoint is attached by; 0 where there is none.
    std::uint32_t tracepoint(std::string_view name) const;
    // How many arguments the function with this type id has, or a program on the tracepoint gets; nothing for another
    // type.
    std::optional<std::uint32_t> arguments(std::uint32_t type_id) const;

 private:
    KernelTypes() = default;
    Result<void> index(std::string_view types);
    std::string_view strings() const { return std::string_view(bytes_).substr(strings_begin_, strings_size_); }

    struct Named {
        std::uint32_t name;  // offset in the strings
        std::uint32_t id;
    };
    std::optional<btf_type> type(std::uint32_t id) const;
    std::uint32_t types_before() const {
        return base_ == nullptr ? 0 : static_cast<std::uint32_t>(base_->offsets_.size());
    }
    bool is_named(std::uint32_t offset, std::string_view name) const;
    std::uint32_t find(const std::vector<Named>& all, std::string_view name) const;

    const KernelTypes* base_ = nullptr;
    std::string bytes_;
    std::vector<std::uint32_t> offsets_;  // of the types in bytes_, from id 1 on, or from the one after the kernel's
    std::size_t strings_begin_ = 0;
    std::size_t strings_size_ = 0;
    // Some 50 000 functions, of which a few dozen are asked for: to compare is faster than to index.
    std::vector<Named> functions_;
    std::vector<Named> tracepoints_;
};

}  // namespace netio::probes
