// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "workload/stamp.h"

namespace netio::workload {

inline constexpr std::size_t field_count = 8;
using FieldSizes = std::array<std::size_t, field_count>;
using Fields = std::array<iovec, field_count>;

// `size_bytes` (at least 8) shared by 8 fields: size / 8 each, the last takes the remainder.
FieldSizes field_sizes(std::uint64_t size_bytes);

// Where the fields of a message lie.
enum class Memory : std::uint8_t {
    ordinary,
    secret,  // memfd_secret(2): mapped for this process alone, so that the kernel cannot pin it
};

// One message: 8 fields that the program owns apart from each other, as a program has them before it sends them.
// Invariant: the fields and their sizes never change; what stands in them does.
class Message {
 public:
    // Allocates and fills the fields with the static pattern, which also brings their pages in before anything is
    // measured. Fields of a page or more are page-aligned, as buffers worth pinning are; smaller ones come from the
    // allocator one by one, so that no two lie back to back. Fails when memory is refused; ExitCode::privilege where
    // the kernel has no secret memory.
    static Result<Message> allocate(std::uint64_t size_bytes, Memory memory = Memory::ordinary);

    const Fields& fields() const { return fields_; }
    std::uint64_t size_bytes() const { return size_bytes_; }
    // Writes the payload pattern of `seed` into all fields.
    void fill(std::uint64_t seed);
    // Writes the stamp into the first 8 bytes of the message, which are scattered where fields are shorter.
    void write_stamp(const Stamp& stamp);
    // Copies the fields one after another to `target`, which has room for size_bytes().
    void serialise(std::byte* target) const;

 private:
    Message() = default;

    std::uint64_t size_bytes_ = 0;
    std::array<std::shared_ptr<void>, field_count> memory_;
    Fields fields_{};
};

// Drops the first `bytes` bytes from a vector of buffers, as after a send call that took only part of it: what is left
// to send. Buffers that were empty or are used up are dropped.
std::span<iovec> drop_front(std::span<iovec> vector, std::size_t bytes);
// The bytes that a vector of buffers holds.
std::size_t total_bytes(std::span<const iovec> vector);

}  // namespace netio::workload
