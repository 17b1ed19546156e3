// SPDX-License-Identifier: MIT
#include "probes/addresses.h"

#include <array>
#include <string_view>
#include <utility>

#include "probes/decode.h"

namespace netio::probes {

namespace {

template <class Names>
netio_range first_range(const kernel::Symbols& symbols, const Names& names) {
    for (const std::string_view name : names) {
        if (const auto range = symbols.range(name)) {
            return {range->start, range->end};
        }
    }
    return {0, 0};
}

netio_range range_of(const kernel::Symbols& symbols, const char* name) {
    return first_range(symbols, std::array<std::string_view, 1>{name});
}

std::uint64_t first_address(const kernel::Symbols& symbols, std::initializer_list<const char*> names) {
    return first_range(symbols, names).start;
}

// What kmalloc's tracepoint names as the caller where a packet's linear area is made. Before Linux 6.1 that is who
// called pskb_expand_head or __alloc_skb, for kmalloc_reserve was a macro.
std::array<netio_range, NETIO_HEAD_ALLOCATORS> head_allocators(const kernel::Symbols& symbols) {
    std::array<netio_range, NETIO_HEAD_ALLOCATORS> ranges{
        range_of(symbols, "kmalloc_reserve"), range_of(symbols, "__alloc_skb"), range_of(symbols, "pskb_expand_head")};
    if (ranges[0].start == 0) {
        ranges[3] = range_of(symbols, "__pskb_pull_tail");
        ranges[4] = range_of(symbols, "skb_segment");
        ranges[5] = range_of(symbols, "skb_copy");
        ranges[6] = range_of(symbols, "skb_copy_expand");
        ranges[7] =
            first_range(symbols, std::array<std::string_view, 2>{"netif_receive_generic_xdp", "do_xdp_generic"});
    }
    return ranges;
}

KernelCode read_now() {
    KernelCode code;
    if (auto symbols = kernel::Symbols::load(kernel::Root{})) {
        code.addresses = addresses_of(*symbols);
        code.symbols = std::move(*symbols);
    }
    return code;
}

}  // namespace

Addresses addresses_of(const kernel::Symbols& symbols) {
    Addresses known;
    // The completion function of MSG_ZEROCOPY, newest name first: 6.10, 5.12, 5.10.
    known.msgzc_complete =
        first_address(symbols, {"msg_zerocopy_complete", "msg_zerocopy_callback", "sock_zerocopy_callback"});
    known.plain_send = range_of(symbols, "tcp_sendmsg").start;
    known.sockmap_send = range_of(symbols, "tcp_bpf_sendmsg").start;
    known.copiers[NETIO_COPIER_COPY_UBUFS] = range_of(symbols, "skb_copy_ubufs");
    known.copiers[NETIO_COPIER_PULL_TAIL] = range_of(symbols, "__pskb_pull_tail");
    known.copiers[NETIO_COPIER_SEGMENT] = range_of(symbols, "skb_segment");
    known.copiers[NETIO_COPIER_SKB_COPY] = range_of(symbols, "skb_copy");
    known.copiers[NETIO_COPIER_COPY_EXPAND] = range_of(symbols, "skb_copy_expand");
    known.copiers[NETIO_COPIER_COW_DATA] = first_range(symbols, packet_builders);
    known.head_allocators = head_allocators(symbols);
    return known;
}

std::future<KernelCode> read_kernel_code() {
    return std::async(std::launch::async | std::launch::deferred, read_now);
}

}  // namespace netio::probes
