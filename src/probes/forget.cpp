// SPDX-License-Identifier: MIT
#include "probes/forget.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <vector>

namespace netio::probes {

namespace {

// A call may have begun and not returned: its number is larger than that of the last one that did.
constexpr std::uint32_t calls_begun = 64;

Result<void> checked(int outcome) {
    return outcome == 0 ? Result<void>{} : fail_errno("a map of the probes cannot be emptied", -outcome);
}

// Hash maps. A key may be gone before it is deleted, where the map gives up its oldest ones by itself.
Result<void> empty(const bpf_map* map) {
    std::vector<char> key(bpf_map__key_size(map));
    const int fd = bpf_map__fd(map);
    while (bpf_map_get_next_key(fd, nullptr, key.data()) == 0) {
        const int outcome = bpf_map_delete_elem(fd, key.data());
        if (outcome != 0 && outcome != -ENOENT) {
            return checked(outcome);
        }
    }
    return {};
}

// Entries of an array map, from `first` on.
Result<void> zero(const bpf_map* map, std::uint32_t first, std::uint32_t count) {
    std::vector<std::uint32_t> keys(count);
    std::iota(keys.begin(), keys.end(), first);
    const std::vector<char> values(static_cast<std::size_t>(count) * bpf_map__value_size(map));
    std::uint32_t updated = count;
    return checked(count == 0 ? 0
                              : bpf_map_update_batch(bpf_map__fd(map), keys.data(), values.data(), &updated, nullptr));
}

// One entry of a per-CPU array, on every CPU.
Result<void> zero_everywhere(const bpf_map* map, std::uint32_t index) {
    constexpr std::size_t alignment = 8;
    const std::size_t size = (bpf_map__value_size(map) + alignment - 1) / alignment * alignment;
    const std::vector<char> values(size * static_cast<std::size_t>(libbpf_num_possible_cpus()));
    return checked(bpf_map_update_elem(bpf_map__fd(map), &index, values.data(), BPF_ANY));
}

// The tables of sockets are known by the socket, and the ring by its reader.
Result<void> forget_map(const bpf_map* map) {
    switch (bpf_map__type(map)) {
        case BPF_MAP_TYPE_HASH:
        case BPF_MAP_TYPE_LRU_HASH:
        case BPF_MAP_TYPE_PERCPU_HASH:
            return empty(map);
        case BPF_MAP_TYPE_PERCPU_ARRAY:
            return bpf_map__max_entries(map) == 1 ? zero_everywhere(map, 0) : Result<void>{};
        default:
            return {};
    }
}

Result<void> forget_socket(const netio_trace_bpf& skeleton, std::uint32_t slot, const TracerOptions& options) {
    netio_socket socket{};
    const int fd = bpf_map__fd(skeleton.maps.sockets);
    if (bpf_map_lookup_elem(fd, &slot, &socket) != 0 || socket.used == 0) {
        return {};
    }
    const std::uint32_t ring = options.calls_in_flight;
    const std::uint32_t calls = socket.end_id < ring - calls_begun ? socket.end_id + calls_begun : ring;
    auto outcome =
        zero(skeleton.maps.calls, slot * ring, calls).and_then([&] { return zero(skeleton.maps.sockets, slot, 1); });
    for (std::uint32_t site = 0; outcome && site < NETIO_SITES; ++site) {
        outcome = zero_everywhere(skeleton.maps.counters, slot * NETIO_SITES + site);
    }
    return outcome;
}

void forget_sums(netio_trace_bpf::netio_trace_bpf__bss& sums) {
    sums.lost_events = 0;
    sums.lost_copies = 0;
    sums.untracked_sockets = 0;
    sums.pulling_stack = 0;
}

}  // namespace

Result<void> fill_slots(const netio_trace_bpf& skeleton, std::uint32_t slots) {
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.free_slots), nullptr, &slot, BPF_ANY) != 0) {
            return fail_errno("the table of sockets cannot be filled", errno);
        }
    }
    return {};
}

Result<void> forget(const netio_trace_bpf& skeleton, const TracerOptions& options) {
    for (std::uint32_t slot = 0; slot < options.max_sockets; ++slot) {
        if (auto forgotten = forget_socket(skeleton, slot, options); !forgotten) {
            return forgotten;
        }
    }
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton.obj) {
        if (auto emptied = forget_map(map); !emptied) {
            return emptied;
        }
    }
    std::uint32_t slot = 0;
    while (bpf_map_lookup_and_delete_elem(bpf_map__fd(skeleton.maps.free_slots), nullptr, &slot) == 0) {
    }
    forget_sums(*skeleton.bss);
    return fill_slots(skeleton, options.max_sockets);
}

}  // namespace netio::probes
