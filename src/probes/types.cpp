// SPDX-License-Identifier: MIT
#include "probes/types.h"

#include <linux/btf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/files.h"

namespace netio::probes {

namespace {

constexpr std::string_view tracepoint_prefix = "btf_trace_";

template <class T>
std::optional<T> read_at(std::string_view bytes, std::size_t offset) {
    T value{};
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
        return std::nullopt;
    }
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

// What follows a struct btf_type of this kind, in bytes; nothing for a kind that is not known.
std::optional<std::size_t> bytes_behind(std::uint32_t kind, std::size_t members) {
    switch (kind) {
        case BTF_KIND_INT:
        case BTF_KIND_VAR:
        case BTF_KIND_DECL_TAG:
            return 4;
        case BTF_KIND_ARRAY:
            return sizeof(btf_array);
        case BTF_KIND_STRUCT:
        case BTF_KIND_UNION:
        case BTF_KIND_DATASEC:
        case BTF_KIND_ENUM64:
            return members * 12;
        case BTF_KIND_ENUM:
        case BTF_KIND_FUNC_PROTO:
            return members * 8;
        case BTF_KIND_PTR:
        case BTF_KIND_FWD:
        case BTF_KIND_TYPEDEF:
        case BTF_KIND_VOLATILE:
        case BTF_KIND_CONST:
        case BTF_KIND_RESTRICT:
        case BTF_KIND_FUNC:
        case BTF_KIND_FLOAT:
        case BTF_KIND_TYPE_TAG:
            return 0;
        default:
            return std::nullopt;
    }
}

bool is_tracepoint(std::string_view strings, std::size_t offset) {
    return offset < strings.size() && strings.substr(offset).starts_with(tracepoint_prefix);
}

Unexpected unreadable(std::string why) {
    return fail("the kernel's type information cannot be read", std::move(why),
                "see what this kernel allows: netio-trace doctor", ExitCode::privilege);
}

// Whether the string that begins there is `name`.
bool begins_there(std::string_view strings, std::size_t offset, std::string_view name) {
    return offset < strings.size() && strings.size() - offset > name.size() && strings[offset + name.size()] == '\0' &&
           strings.compare(offset, name.size(), name) == 0;
}

}  // namespace

Result<KernelTypes> KernelTypes::load(const kernel::Root& root) {
    auto bytes = read_file(root / "sys/kernel/btf/vmlinux");
    if (!bytes) {
        return tl::make_unexpected(bytes.error());
    }
    return parse(std::move(*bytes));
}

Result<KernelTypes> KernelTypes::load_module(const kernel::Root& root, std::string_view module) const {
    auto bytes = read_file(root / ("sys/kernel/btf/" + std::string(module)));
    if (!bytes) {
        return tl::make_unexpected(bytes.error());
    }
    return parse(std::move(*bytes), this);
}

Result<KernelTypes> KernelTypes::parse(std::string bytes, const KernelTypes* base) {
    KernelTypes types;
    types.base_ = base;
    types.bytes_ = std::move(bytes);
    const std::string_view all = types.bytes_;
    const auto header = read_at<btf_header>(all, 0);
    if (!header || header->magic != BTF_MAGIC) {
        return unreadable("it does not begin like BTF");
    }
    const auto part = [&](std::uint64_t offset, std::uint64_t length) -> std::optional<std::string_view> {
        const std::uint64_t begin = header->hdr_len + offset;
        return begin + length <= all.size() ? std::optional(all.substr(begin, length)) : std::nullopt;
    };
    const auto descriptions = part(header->type_off, header->type_len);
    const auto strings = part(header->str_off, header->str_len);
    if (!descriptions || !strings) {
        return unreadable("it ends early");
    }
    types.strings_begin_ = static_cast<std::size_t>(strings->data() - all.data());
    types.strings_size_ = strings->size();
    if (auto indexed = types.index(*descriptions); !indexed) {
        return tl::make_unexpected(indexed.error());
    }
    return types;
}

Result<void> KernelTypes::index(std::string_view types) {
    functions_.reserve(65536);
    offsets_.reserve(131072);
    const auto begin = static_cast<std::uint32_t>(types.data() - bytes_.data());
    std::uint32_t id = types_before();
    for (std::size_t offset = 0; offset < types.size();) {
        const auto type = read_at<btf_type>(types, offset);
        const auto behind = type ? bytes_behind(BTF_INFO_KIND(type->info), BTF_INFO_VLEN(type->info)) : std::nullopt;
        if (!behind) {
            return unreadable(type ? "type of unknown kind " + std::to_string(BTF_INFO_KIND(type->info))
                                   : "it ends early");
        }
        ++id;
        offsets_.push_back(begin + static_cast<std::uint32_t>(offset));
        offset += sizeof(btf_type) + *behind;
        const std::uint32_t kind = BTF_INFO_KIND(type->info);
        if (kind == BTF_KIND_FUNC) {
            functions_.push_back({type->name_off, id});
        } else if (kind == BTF_KIND_TYPEDEF && base_ == nullptr && is_tracepoint(strings(), type->name_off)) {
            tracepoints_.push_back({type->name_off + static_cast<std::uint32_t>(tracepoint_prefix.size()), id});
        }
    }
    return {};
}

std::uint32_t KernelTypes::find(const std::vector<Named>& all, std::string_view name) const {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Named& named) { return is_named(named.name, name); });
    return found == all.end() ? 0 : found->id;
}

// A module's strings, like its types, go on where the kernel's end.
bool KernelTypes::is_named(std::uint32_t offset, std::string_view name) const {
    const std::size_t before = base_ == nullptr ? 0 : base_->strings_size_;
    return offset < before ? base_->is_named(offset, name) : begins_there(strings(), offset - before, name);
}

std::optional<btf_type> KernelTypes::type(std::uint32_t id) const {
    if (id <= types_before()) {
        return base_ == nullptr ? std::nullopt : base_->type(id);
    }
    id -= types_before();
    return id == 0 || id > offsets_.size() ? std::nullopt : read_at<btf_type>(bytes_, offsets_[id - 1]);
}

// A function names its prototype; a tracepoint is a typedef of a pointer to one, whose first argument is not given on.
std::optional<std::uint32_t> KernelTypes::arguments(std::uint32_t type_id) const {
    auto found = type(type_id);
    const bool tracepoint = found && BTF_INFO_KIND(found->info) == BTF_KIND_TYPEDEF;
    if (tracepoint) {
        found = type(found->type);
    }
    found = found ? type(found->type) : std::nullopt;
    if (!found || BTF_INFO_KIND(found->info) != BTF_KIND_FUNC_PROTO) {
        return std::nullopt;
    }
    const std::uint32_t all = BTF_INFO_VLEN(found->info);
    return tracepoint && all != 0 ? all - 1 : all;
}

std::uint32_t KernelTypes::function(std::string_view name) const {
    return find(functions_, name);
}

std::uint32_t KernelTypes::tracepoint(std::string_view name) const {
    return find(tracepoints_, name);
}

}  // namespace netio::probes
