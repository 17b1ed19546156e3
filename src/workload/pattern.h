// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace netio::workload {

// The payload pattern: byte k of a message is byte k % 8 of word k / 8 of a pseudo-random sequence. The sequence is
// chosen by a seed, so that bytes that were lost, reordered or overwritten too early do not match.

// The seed of every message of a run that is not verified: buffers are filled once.
inline constexpr std::uint64_t static_seed = 0;
// The seed of message `number` (0 is the first of the warm-up) of connection `connection`.
std::uint64_t message_seed(std::uint32_t connection, std::uint64_t number);

// Fills `bytes`, which stand at `offset` in their message.
void fill_pattern(std::span<std::byte> bytes, std::uint64_t seed, std::uint64_t offset);
// How many of `bytes`, which stand at `offset` in their message, differ from the pattern.
std::uint64_t count_mismatches(std::span<const std::byte> bytes, std::uint64_t seed, std::uint64_t offset);

}  // namespace netio::workload
