// SPDX-License-Identifier: MIT
#include "perf/ring.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <cstring>

namespace netio::perf {
namespace {

// The data area; kernels before 4.1 did not say where it lies.
std::span<const std::byte> data_of(const Mapping& mapping, const perf_event_mmap_page& control) {
    const auto* base = static_cast<const std::byte*>(mapping.base.get());
    if (control.data_offset > mapping.bytes || control.data_size > mapping.bytes - control.data_offset) {
        return {};
    }
    return {base + control.data_offset, control.data_size};
}

}  // namespace

bool Ring::drain(const std::function<void(Record)>& take) {
    auto& control = *static_cast<perf_event_mmap_page*>(mapping_.base.get());
    const std::span<const std::byte> data = data_of(mapping_, control);
    // The kernel writes data before data_head, and looks at data_tail before it writes over data (perf_output_begin).
    const std::uint64_t head = __atomic_load_n(&control.data_head, __ATOMIC_ACQUIRE);
    std::uint64_t tail = control.data_tail;
    bool sound = true;
    while (tail < head) {
        perf_event_header header{};
        sound = head - tail >= sizeof(header) && head - tail <= data.size();
        if (sound) {
            const Record start = record_at(tail, sizeof(header), data);
            std::memcpy(&header, start.data(), sizeof(header));
            sound = header.size >= sizeof(header) && header.size <= head - tail;
        }
        if (!sound) {
            tail = head;
            break;
        }
        take(record_at(tail, header.size, data));
        tail += header.size;
    }
    __atomic_store_n(&control.data_tail, tail, __ATOMIC_RELEASE);
    return sound;
}

Ring::Record Ring::record_at(std::uint64_t position, std::size_t size, std::span<const std::byte> data) {
    const std::size_t start = position % data.size();
    const std::size_t before_end = std::min(size, data.size() - start);
    if (before_end == size) {
        return data.subspan(start, size);
    }
    joined_.assign(data.begin() + static_cast<std::ptrdiff_t>(start), data.end());
    joined_.insert(joined_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size - before_end));
    return joined_;
}

}  // namespace netio::perf
