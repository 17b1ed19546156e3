// SPDX-License-Identifier: MIT
#include "workload/pattern.h"

#include <bit>
#include <cstring>

namespace netio::workload {
namespace {

constexpr std::size_t word_bytes = 8;
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

// The finaliser of splitmix64: every bit of the input changes about half the bits of the output.
constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

constexpr std::uint64_t pattern_word(std::uint64_t seed, std::uint64_t index) {
    return mix(seed + index * golden);
}

std::byte pattern_byte(std::uint64_t seed, std::uint64_t offset) {
    return static_cast<std::byte>(pattern_word(seed, offset / word_bytes) >> (8 * (offset % word_bytes)));
}

// A word as it lies in memory, the same bytes on either endianness.
std::uint64_t stored_word(std::uint64_t seed, std::uint64_t offset) {
    const std::uint64_t word = pattern_word(seed, offset / word_bytes);
    if constexpr (std::endian::native == std::endian::big) {
        return __builtin_bswap64(word);
    }
    return word;
}

// Calls whole(i) where a whole word stands at bytes[i], single(i) for each byte that is part of a broken one.
template <class Whole, class Single>
void walk(std::size_t size, std::uint64_t offset, Whole whole, Single single) {
    std::size_t i = 0;
    for (; i < size && (offset + i) % word_bytes != 0; ++i) {
        single(i);
    }
    for (; i + word_bytes <= size; i += word_bytes) {
        whole(i);
    }
    for (; i < size; ++i) {
        single(i);
    }
}

}  // namespace

std::uint64_t message_seed(std::uint32_t connection, std::uint64_t number) {
    return mix((std::uint64_t{connection} + 1) * golden) + mix(number + 1);
}

void fill_pattern(std::span<std::byte> bytes, std::uint64_t seed, std::uint64_t offset) {
    const auto whole = [&](std::size_t i) {
        const std::uint64_t word = stored_word(seed, offset + i);
        std::memcpy(bytes.data() + i, &word, word_bytes);
    };
    walk(bytes.size(), offset, whole, [&](std::size_t i) { bytes[i] = pattern_byte(seed, offset + i); });
}

std::uint64_t count_mismatches(std::span<const std::byte> bytes, std::uint64_t seed, std::uint64_t offset) {
    std::uint64_t wrong = 0;
    const auto single = [&](std::size_t i) { wrong += bytes[i] != pattern_byte(seed, offset + i) ? 1U : 0U; };
    const auto whole = [&](std::size_t i) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, word_bytes);
        if (word == stored_word(seed, offset + i)) {
            return;
        }
        for (std::size_t k = i; k < i + word_bytes; ++k) {
            single(k);
        }
    };
    walk(bytes.size(), offset, whole, single);
    return wrong;
}

}  // namespace netio::workload
