// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <future>
#include <optional>

#include "kernel/symbols.h"
#include "netio_abi.h"

namespace netio::probes {

// Where the functions lie that the BPF programs know by the addresses of their code; 0 where the kernel lacks one.
struct Addresses {
    std::uint64_t msgzc_complete = 0;
    std::uint64_t plain_send = 0;
    std::uint64_t sockmap_send = 0;
    std::array<netio_range, NETIO_COPIERS> copiers{};
    std::array<netio_range, NETIO_HEAD_ALLOCATORS> head_allocators{};
};

Addresses addresses_of(const kernel::Symbols& symbols);

struct KernelCode {
    std::optional<kernel::Symbols> symbols;  // nothing where they are hidden
    Addresses addresses;
};

// Reads the running kernel's symbols in a thread of its own: it takes about as long as to load the BPF programs.
std::future<KernelCode> read_kernel_code();

}  // namespace netio::probes
