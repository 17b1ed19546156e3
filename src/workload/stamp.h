// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace netio::workload {

// The first 8 bytes of every message, little-endian: the time it was handed to the kernel, and where it stands in its
// phase. Both ends follow the phases by these flags alone and need no second channel.
struct Stamp {
    std::uint64_t time_ns = 0;  // CLOCK_MONOTONIC of the server, 62 bits (146 years)
    bool warm_up = false;
    bool last = false;  // of its phase
    bool operator==(const Stamp&) const = default;
};

inline constexpr std::size_t stamp_bytes = 8;
inline constexpr std::uint64_t stamp_warm_up_bit = std::uint64_t{1} << 63;
inline constexpr std::uint64_t stamp_last_bit = std::uint64_t{1} << 62;
inline constexpr std::uint64_t stamp_time_mask = stamp_last_bit - 1;

inline std::array<std::byte, stamp_bytes> encode_stamp(const Stamp& stamp) {
    std::uint64_t word = stamp.time_ns & stamp_time_mask;
    word |= stamp.warm_up ? stamp_warm_up_bit : 0;
    word |= stamp.last ? stamp_last_bit : 0;
    std::array<std::byte, stamp_bytes> bytes{};
    for (std::size_t i = 0; i < stamp_bytes; ++i) {
        bytes[i] = static_cast<std::byte>(word >> (8 * i));
    }
    return bytes;
}

inline Stamp decode_stamp(std::span<const std::byte, stamp_bytes> bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < stamp_bytes; ++i) {
        word |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return {word & stamp_time_mask, (word & stamp_warm_up_bit) != 0, (word & stamp_last_bit) != 0};
}

}  // namespace netio::workload
