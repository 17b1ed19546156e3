// SPDX-License-Identifier: MIT
#include "kernel/symbols.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/files.h"
#include "base/text.h"

namespace netio::kernel {

namespace {

// No function is longer. An address further behind a symbol belongs to code that kallsyms does not name, or to none.
constexpr std::uint64_t longest_function_bytes = std::uint64_t{1} << 20;

constexpr std::array<std::string_view, 5> copies{".isra.", ".constprop.", ".part.", ".cold", ".llvm."};

bool is_piece(std::string_view name) {
    return name.find(".cold") != std::string_view::npos || name.find(".part.") != std::string_view::npos;
}

Unexpected hidden_addresses(const Root& root) {
    const auto restrict = read_file(root / "proc/sys/kernel/kptr_restrict");
    const bool hidden_from_all = restrict && trim(*restrict) == "2";
    return fail("cannot tell kernel functions apart", "every address in /proc/kallsyms is hidden",
                hidden_from_all ? "sudo sysctl kernel.kptr_restrict=1" : "run as root (CAP_SYSLOG)",
                ExitCode::privilege);
}

bool is_text(char type) {
    return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

// On arm64 "$x" stands where code begins between data, with modules and with what lies at a function's own address
// (is_mapping_symbol in the kernel's kallsyms); ".L..." is the assembler's.
bool is_label(std::string_view name) {
    return name.starts_with('$') || name.starts_with(".L");
}

}  // namespace

std::string_view source_name(std::string_view name) {
    if (name.starts_with("bpf_prog_")) {
        return name;
    }
    std::size_t end = name.size();
    for (const std::string_view suffix : copies) {
        const std::size_t at = name.find(suffix, 1);
        const std::size_t behind = at + suffix.size();
        const bool whole_word =
            at != std::string_view::npos && (suffix.back() == '.' || behind == name.size() || name[behind] == '.');
        if (whole_word) {
            end = std::min(end, at);
        }
    }
    return name.substr(0, end);
}

// "ffffffff81200110 t name\t[module]"; the module is optional.
std::optional<Symbols::Entry> Symbols::parse_line(std::string_view text, std::size_t begin, std::size_t end) {
    const char* last = text.data() + end;
    Entry entry{};
    const auto [rest, error] = std::from_chars(text.data() + begin, last, entry.address, 16);
    if (error != std::errc{} || last - rest < 4 || rest[0] != ' ' || rest[2] != ' ' || !is_text(rest[1])) {
        return std::nullopt;
    }
    const std::size_t name = static_cast<std::size_t>(rest - text.data()) + 3;
    if (is_label(text.substr(name))) {
        return std::nullopt;
    }
    const std::size_t name_end = std::min(text.find_first_of(" \t\n", name), end);
    std::size_t module = std::min(text.find('[', name_end), end);
    std::size_t module_end = std::min(text.find(']', module), end);
    if (module < end) {
        ++module;
    }
    entry.name_begin = static_cast<std::uint32_t>(name);
    entry.name_end = static_cast<std::uint32_t>(name_end);
    entry.module_begin = static_cast<std::uint32_t>(module);
    entry.module_end = static_cast<std::uint32_t>(module_end);
    return entry;
}

void Symbols::parse() {
    const std::string_view text = text_;
    entries_.reserve(text.size() / 40);
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        if (const auto entry = parse_line(text.substr(0, end), begin, end)) {
            entries_.push_back(*entry);
        }
        begin = end + 1;
    }
    // The kernel's own symbols come sorted, with the best of the aliases first (scripts/kallsyms.c, compare_symbols).
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.address < b.address; });
}

Result<Symbols> Symbols::load(const Root& root) {
    auto text = read_file(root / "proc/kallsyms");
    if (!text) {
        return Unexpected(text.error());
    }
    if (text->size() > std::numeric_limits<std::uint32_t>::max()) {
        return fail("cannot use /proc/kallsyms", "it is larger than 4 GiB");
    }
    Symbols symbols;
    symbols.text_ = std::move(*text);
    symbols.parse();
    if (symbols.entries_.empty()) {
        return fail("cannot use /proc/kallsyms", "it lists no function", "use a kernel built with CONFIG_KALLSYMS",
                    ExitCode::privilege);
    }
    if (symbols.entries_.back().address == 0) {
        return hidden_addresses(root);
    }
    return symbols;
}

std::string_view Symbols::name_of(const Entry& entry) const {
    return std::string_view(text_).substr(entry.name_begin, entry.name_end - entry.name_begin);
}

Range Symbols::range_of(std::vector<Entry>::const_iterator entry) const {
    const std::uint64_t start = entry->address;
    const auto next = std::find_if(entry, entries_.end(), [&](const Entry& e) { return e.address > start; });
    const std::uint64_t limit = start + std::min(longest_function_bytes, UINT64_MAX - start);
    return {start, next == entries_.end() ? limit : std::min(limit, next->address)};
}

std::optional<Symbol> Symbols::resolve(std::uint64_t address) const {
    const auto by_address = [](std::uint64_t wanted, const Entry& entry) { return wanted < entry.address; };
    const auto behind = std::upper_bound(entries_.begin(), entries_.end(), address, by_address);
    if (behind == entries_.begin()) {
        return std::nullopt;
    }
    const std::uint64_t start = std::prev(behind)->address;
    if (address - start >= longest_function_bytes) {
        return std::nullopt;
    }
    const auto first = std::lower_bound(entries_.begin(), behind, start, [](const Entry& entry, std::uint64_t wanted) {
        return entry.address < wanted;
    });
    const std::string_view module =
        std::string_view(text_).substr(first->module_begin, first->module_end - first->module_begin);
    return Symbol{std::string(source_name(name_of(*first))), std::string(module)};
}

std::vector<Range> Symbols::ranges(std::string_view name) const {
    std::vector<Range> found;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        const std::string_view symbol = name_of(*entry);
        if (symbol.starts_with(name) && source_name(symbol) == name) {
            found.push_back(range_of(entry));
        }
    }
    return found;
}

std::optional<Range> Symbols::range(std::string_view name) const {
    auto best = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        const std::string_view symbol = name_of(*entry);
        if (symbol == name) {
            return range_of(entry);
        }
        if (best == entries_.end() && symbol.starts_with(name) && source_name(symbol) == name && !is_piece(symbol)) {
            best = entry;
        }
    }
    return best == entries_.end() ? std::nullopt : std::optional(range_of(best));
}

}  // namespace netio::kernel
