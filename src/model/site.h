// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/vocabulary.h"

namespace netio::model {

// A place in a byte's life where it is counted, per socket. The numbers are the ABI with the BPF programs
// (bpf/netio_abi.h asserts them); the words stand in captures.
enum class Site : std::uint8_t {
    send_copied = 0,            // send call without MSG_ZEROCOPY: bytes copied from user memory (tcp_sendmsg_locked)
    send_not_opted_in = 1,      // MSG_ZEROCOPY without SO_ZEROCOPY: the flag is ignored, bytes copied
    send_route_without_sg = 2,  // MSG_ZEROCOPY on a route without scatter-gather: bytes copied at once
    send_pinned = 3,            // MSG_ZEROCOPY: user pages attached (skb_zerocopy_iter_stream)
    send_spliced = 4,           // MSG_SPLICE_PAGES or sendpage: page references
    send_failed = 5,            // send calls that returned an error; bytes are 0
    completed_zerocopy = 6,     // completion generated, zerocopy bit kept: calls and bytes (__msg_zerocopy_callback)
    completed_copied = 7,       // the same with the bit cleared by a copy
    completed_unresolved = 8,   // completions whose bytes could not be told: calls only
    transmit_queued = 9,        // payload handed to a device's queue (net_dev_queue), zero-copy part
    transmit_zerocopy = 10,     // payload given to a driver still in user pages (net_dev_start_xmit)
    transmit_linear = 11,       // payload given to a driver in the linear area that was not linear when queued: copied
    receive_zerocopy = 12,      // payload that reached a receiving stack of this machine still in user pages
    retransmitted = 13,         // payload sent again (tcp_retransmit_skb)
    receive_copied = 14,        // copied to user memory (skb_copy_datagram_iter)
    receive_returned = 15,      // returned by receive calls
    transmit_cloned = 16,       // the part of transmit_queued that is in clones, made on the way (mirroring, flooding)
    send_fast_open = 17,        // MSG_ZEROCOPY with MSG_FASTOPEN: bytes copied, for the call came before the connection
    send_in_syn = 18,  // the part of a call with pinned pages that was copied into the connection's first packet
};
inline constexpr std::size_t site_count = 19;
inline constexpr std::array<Name<Site>, site_count> site_names{{
    {Site::send_copied, "send-copied"},
    {Site::send_not_opted_in, "send-not-opted-in"},
    {Site::send_route_without_sg, "send-route-without-sg"},
    {Site::send_pinned, "send-pinned"},
    {Site::send_spliced, "send-spliced"},
    {Site::send_failed, "send-failed"},
    {Site::completed_zerocopy, "completed-zerocopy"},
    {Site::completed_copied, "completed-copied"},
    {Site::completed_unresolved, "completed-unresolved"},
    {Site::transmit_queued, "transmit-queued"},
    {Site::transmit_zerocopy, "transmit-zerocopy"},
    {Site::transmit_linear, "transmit-linear"},
    {Site::receive_zerocopy, "receive-zerocopy"},
    {Site::retransmitted, "retransmitted"},
    {Site::receive_copied, "receive-copied"},
    {Site::receive_returned, "receive-returned"},
    {Site::transmit_cloned, "transmit-cloned"},
    {Site::send_fast_open, "send-fast-open"},
    {Site::send_in_syn, "send-in-syn"},
}};
constexpr std::string_view to_string(Site v) {
    return name_in(site_names, v);
}

}  // namespace netio::model
