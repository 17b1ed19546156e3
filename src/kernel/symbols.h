// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/root.h"

namespace netio::kernel {

// Addresses start <= a < end.
struct Range {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    bool operator==(const Range&) const = default;
};

struct Symbol {
    std::string name;    // without the compiler's suffixes
    std::string module;  // "bpf" for BPF programs; empty: the kernel itself
    bool operator==(const Symbol&) const = default;
};

// `name` as the source spells it: without .isra.N, .constprop.N, .part.N, .cold and .llvm.N, which compilers append to
// copies and pieces of a function. BPF programs (bpf_prog_<tag>_<name>) are kept as they are.
std::string_view source_name(std::string_view name);

// The functions of the running kernel, its modules and BPF programs: a snapshot of proc/kallsyms.
class Symbols {
 public:
    // Errors: unreadable, or every address hidden (kptr_restrict): ExitCode::privilege with the remedy.
    static Result<Symbols> load(const Root& root);

    // The function that `address` lies in; of aliases, the one that the kernel lists first.
    std::optional<Symbol> resolve(std::uint64_t address) const;
    // The same for a return address, which points behind the call: where the call is the last instruction of a
    // function (the callee never returns), that is already the next function.
    std::optional<Symbol> resolve_return(std::uint64_t address) const { return resolve(address - 1); }

    // Where the function's code lies. One function may have several pieces (.cold, .part) and several static functions
    // one name: all of them, ascending; empty where there is none.
    std::vector<Range> ranges(std::string_view name) const;
    // The piece whose symbol is exactly `name`, else the first that a compiler's copy of the whole function has
    // (.isra, .constprop, .llvm); never a .cold or .part piece.
    std::optional<Range> range(std::string_view name) const;

    std::size_t size() const { return entries_.size(); }

 private:
    struct Entry {
        std::uint64_t address;
        std::uint32_t name_begin;  // offsets into text_
        std::uint32_t name_end;
        std::uint32_t module_begin;
        std::uint32_t module_end;
    };

    void parse();
    static std::optional<Entry> parse_line(std::string_view text, std::size_t begin, std::size_t end);
    std::string_view name_of(const Entry& entry) const;
    Range range_of(std::vector<Entry>::const_iterator entry) const;

    std::string text_;
    std::vector<Entry> entries_;  // by address; aliases in the kernel's order
};

}  // namespace netio::kernel
