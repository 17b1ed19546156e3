// SPDX-License-Identifier: MIT
#include "workload/completions.h"

namespace netio::workload {

void Completions::sent(std::size_t slot, std::uint64_t entered_ns) {
    calls_.push_back({slot, entered_ns, false});
    ++outstanding_;
}

Completions::Call* Completions::find(std::uint32_t id) {
    const std::uint32_t index = id - first_id_;  // modulo 2^32, as the kernel counts
    return index < calls_.size() ? &calls_[index] : nullptr;
}

void Completions::drop_done() {
    while (!calls_.empty() && calls_.front().done) {
        calls_.pop_front();
        ++first_id_;
    }
}

}  // namespace netio::workload
