// SPDX-License-Identifier: MIT
#include "workload/stream_reader.h"

#include <algorithm>
#include <cstring>

#include "workload/pattern.h"

namespace netio::workload {

void StreamReader::feed(std::span<const std::byte> bytes, std::uint64_t now_ns) {
    while (!bytes.empty() && !finished_) {
        if (offset_ < stamp_bytes) {
            const std::size_t part = std::min<std::size_t>(stamp_bytes - offset_, bytes.size());
            std::memcpy(header_.data() + offset_, bytes.data(), part);
            offset_ += part;
            bytes = bytes.subspan(part);
            if (offset_ < stamp_bytes) {
                return;
            }
            begin_message(now_ns);
        }
        const std::size_t part = std::min<std::uint64_t>(options_.size_bytes - offset_, bytes.size());
        take_payload(bytes.first(part));
        bytes = bytes.subspan(part);
        if (offset_ == options_.size_bytes) {
            end_message(now_ns);
        }
    }
    surplus_bytes_ += bytes.size();
}

// A message belongs to the phase that its stamp names, from its first byte on.
void StreamReader::begin_message(std::uint64_t now_ns) {
    stamp_ = decode_stamp(header_);
    if (options_.verify) {
        verify_stamp();
    }
    previous_stamp_ns_ = stamp_.time_ns;
    if (stamp_.warm_up) {
        return;
    }
    if (bytes_ == 0) {
        first_byte_ns_ = now_ns;
    }
    bytes_ += stamp_bytes;
    verified_bytes_ += options_.verify ? stamp_bytes : 0;
}

// The sender's times grow strictly. A message that was repeated, reordered or overwritten by a later one before it was
// sent breaks the order, here or at the next message; so does a warm-up message among measured ones.
void StreamReader::verify_stamp() {
    if (stamp_.time_ns <= previous_stamp_ns_ || stamp_.warm_up == warm_) {
        corrupt_bytes_ += stamp_.warm_up ? 0 : stamp_bytes;
    }
}

void StreamReader::take_payload(std::span<const std::byte> bytes) {
    if (options_.verify && !bytes.empty()) {
        const std::uint64_t seed = message_seed(options_.connection, number_);
        const std::uint64_t corrupt = count_mismatches(bytes, seed, offset_);
        corrupt_bytes_ += stamp_.warm_up ? 0 : corrupt;
        verified_bytes_ += stamp_.warm_up ? 0 : bytes.size();
    }
    offset_ += bytes.size();
    bytes_ += stamp_.warm_up ? 0 : bytes.size();
}

void StreamReader::end_message(std::uint64_t now_ns) {
    offset_ = 0;
    ++number_;
    if (stamp_.warm_up) {
        warm_ = warm_ || stamp_.last;
        return;
    }
    ++messages_;
    last_byte_ns_ = now_ns;
    if (options_.latency) {
        delivery_ns_.record(now_ns - std::min(now_ns, stamp_.time_ns));
    }
    finished_ = stamp_.last;
}

bool StreamReader::expecting() const {
    const bool between_phases = offset_ == 0 && (number_ == 0 || (warm_ && messages_ == 0));
    return !between_phases && !finished_;
}

}  // namespace netio::workload
