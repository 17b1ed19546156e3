// SPDX-License-Identifier: MIT
#include "workload/message.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"
#include "workload/pattern.h"

namespace netio::workload {
namespace {

constexpr std::size_t page_bytes = 4096;

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447  // Linux 5.14; older headers lack it
#endif

std::size_t whole_pages(std::size_t size) {
    return (size + page_bytes - 1) / page_bytes * page_bytes;
}

// aligned_alloc(3) wants a multiple of the alignment.
std::shared_ptr<void> allocate_ordinary(std::size_t size) {
    return {size < page_bytes ? std::malloc(size) : std::aligned_alloc(page_bytes, whole_pages(size)), std::free};
}

// Linux 5.14; until 6.5 only where the kernel was booted with secretmem.enable=1.
Result<std::shared_ptr<void>> allocate_secret(std::size_t size) {
    const std::size_t length = whole_pages(std::max(size, std::size_t{1}));
    const Fd fd(static_cast<int>(::syscall(SYS_memfd_secret, O_CLOEXEC)));
    if (!fd.valid() || ::ftruncate(fd.get(), static_cast<off_t>(length)) != 0) {
        return fail_errno("cannot get secret memory", errno, "Linux 5.14 or newer, booted with secretmem.enable=1",
                          ExitCode::privilege);
    }
    void* memory = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) {
        return fail_errno("cannot map secret memory", errno, "a larger RLIMIT_MEMLOCK (ulimit -l)",
                          ExitCode::privilege);
    }
    return std::shared_ptr<void>(memory, [length](void* mapped) { ::munmap(mapped, length); });
}

Result<std::shared_ptr<void>> allocate_field(std::size_t size, Memory memory) {
    return memory == Memory::secret ? allocate_secret(size) : allocate_ordinary(size);
}

}  // namespace

FieldSizes field_sizes(std::uint64_t size_bytes) {
    FieldSizes sizes{};
    sizes.fill(size_bytes / field_count);
    sizes.back() += size_bytes % field_count;
    return sizes;
}

Result<Message> Message::allocate(std::uint64_t size_bytes, Memory memory) {
    Message message;
    message.size_bytes_ = size_bytes;
    const FieldSizes sizes = field_sizes(size_bytes);
    for (std::size_t i = 0; i < field_count; ++i) {
        auto field = allocate_field(sizes[i], memory);
        if (!field) {
            return Unexpected{field.error()};
        }
        message.memory_[i] = *std::move(field);
        if (!message.memory_[i]) {
            return fail_errno("cannot allocate a message of " + format_bytes(size_bytes), ENOMEM, "a smaller --size");
        }
        message.fields_[i] = {message.memory_[i].get(), sizes[i]};
    }
    message.fill(static_seed);
    return message;
}

void Message::fill(std::uint64_t seed) {
    std::uint64_t offset = 0;
    for (const iovec& field : fields_) {
        fill_pattern({static_cast<std::byte*>(field.iov_base), field.iov_len}, seed, offset);
        offset += field.iov_len;
    }
}

void Message::write_stamp(const Stamp& stamp) {
    const auto bytes = encode_stamp(stamp);
    std::size_t written = 0;
    for (std::size_t i = 0; written < stamp_bytes; ++i) {
        const std::size_t part = std::min(fields_[i].iov_len, stamp_bytes - written);
        std::memcpy(fields_[i].iov_base, bytes.data() + written, part);
        written += part;
    }
}

void Message::serialise(std::byte* target) const {
    for (const iovec& field : fields_) {
        std::memcpy(target, field.iov_base, field.iov_len);
        target += field.iov_len;
    }
}

std::span<iovec> drop_front(std::span<iovec> vector, std::size_t bytes) {
    while (!vector.empty() && bytes >= vector.front().iov_len) {
        bytes -= vector.front().iov_len;
        vector = vector.subspan(1);
    }
    if (!vector.empty()) {
        vector.front().iov_base = static_cast<std::byte*>(vector.front().iov_base) + bytes;
        vector.front().iov_len -= bytes;
    }
    return vector;
}

std::size_t total_bytes(std::span<const iovec> vector) {
    std::size_t total = 0;
    for (const iovec& buffer : vector) {
        total += buffer.iov_len;
    }
    return total;
}

}  // namespace netio::workload
