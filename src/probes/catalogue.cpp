// SPDX-License-Identifier: MIT
#include "probes/catalogue.h"

namespace netio::probes {

using model::Tier;

namespace {

constexpr std::string_view no_limits{};
constexpr bool against_preemption = true;
std::vector<Probe> make_catalogue() {
    return {
        {"send-call",
         "bytes taken by send calls, and whether they were copied, pinned or referenced",
         true,
         {
             {Tier::fentry,
              {{"fe_send_begins", Hook::fentry, "tcp_sendmsg_locked"},
               {"fe_send_ends", Hook::fexit, "tcp_sendmsg_locked"},
               {"fe_mptcp_send_begins", Hook::fentry, "mptcp_sendmsg"},
               {"fe_mptcp_send_ends", Hook::fexit, "mptcp_sendmsg"},
               {"kp_send_begins", Hook::kprobe, "tcp_sendmsg_locked"},
               {"pt_send_ends", Hook::perf_tracepoint, "sock_send_length"}},
              "6.3",
              no_limits,
              against_preemption},
             {Tier::fentry,
              {{"fe_send_begins", Hook::fentry, "tcp_sendmsg_locked"},
               {"fe_send_ends", Hook::fexit, "tcp_sendmsg_locked"},
               {"fe_mptcp_send_begins", Hook::fentry, "mptcp_sendmsg"},
               {"fe_mptcp_send_ends", Hook::fexit, "mptcp_sendmsg"}},
              "5.19"},
             {Tier::fentry,
              {{"fe_send_begins", Hook::fentry, "tcp_sendmsg_locked"},
               {"fe_send_ends", Hook::fexit, "tcp_sendmsg_locked"}},
              "5.10"},
             {Tier::kprobe,
              {{"kp_send_begins", Hook::kprobe, "tcp_sendmsg_locked"},
               {"tp_send_ends", Hook::tracepoint, "sock_send_length"}},
              "6.3"},
             {Tier::kprobe,
              {{"kp_send_begins_v5_10", Hook::kprobe, "tcp_sendmsg_locked"},
               {"tp_send_returns", Hook::tracepoint, "sys_exit"}},
              "5.10"},
             {Tier::tracepoint,
              {{"tp_send_begins", Hook::tracepoint, "tcp_sendmsg_locked"},
               {"tp_send_ends", Hook::tracepoint, "sock_send_length"}},
              "6.16"},
             {Tier::tracepoint,
              {{"tp_syscall_enters", Hook::tracepoint, "sys_enter"},
               {"tp_send_ends", Hook::tracepoint, "sock_send_length"}},
              "6.3",
              "io_uring is not seen, nor which zero-copy call is which where threads share a socket"},
             {Tier::tracepoint,
              {{"tp_syscall_enters", Hook::tracepoint, "sys_enter"}, {"tp_send_returns", Hook::tracepoint, "sys_exit"}},
              "5.10",
              "io_uring is not seen, nor which zero-copy call is which in sendmmsg or where threads share a socket"},
         }},
        {"late-copy",
         "user pages copied after the send call, with the call stack (skb_copy_ubufs)",
         true,
         {
             {Tier::fentry, {{"fe_copy_ubufs", Hook::fentry, "skb_copy_ubufs"}}, "5.10"},
             {Tier::kprobe, {{"kp_copy_ubufs", Hook::kprobe, "skb_copy_ubufs"}}, "5.10"},
             {Tier::tracepoint,
              {{"tp_transmit_queued", Hook::tracepoint, "net_dev_queue"},
               {"tp_receive_starts", Hook::tracepoint, "netif_receive_skb"},
               {"tp_page_allocated", Hook::tracepoint, "mm_page_alloc"},
               {"tp_page_allocated_2", Hook::tracepoint, "mm_page_alloc"}},
              "5.10"},
         }},
        {"linearise",
         "payload moved into the linear area before the driver (pull, software segmentation, full copies)",
         true,
         {
             {Tier::fentry,
              {{"fe_pull_tail", Hook::fentry, "__pskb_pull_tail"},
               {"fe_segment", Hook::fentry, "skb_segment"},
               {"fe_skb_copy", Hook::fentry, "skb_copy"},
               {"fe_skb_copy_expand", Hook::fentry, "skb_copy_expand"}},
              "5.10"},
             {Tier::kprobe,
              {{"kp_pull_tail", Hook::kprobe, "__pskb_pull_tail"},
               {"kp_segment", Hook::kprobe, "skb_segment"},
               {"kp_skb_copy", Hook::kprobe, "skb_copy"},
               {"kp_skb_copy_expand", Hook::kprobe, "skb_copy_expand"}},
              "5.10"},
             {Tier::tracepoint,
              {{"tp_transmit_queued", Hook::tracepoint, "net_dev_queue"},
               {"tp_transmit_starts", Hook::tracepoint, "net_dev_start_xmit"},
               {"tp_memory_allocated", Hook::tracepoint, "kmalloc"},
               {"tp_node_memory_allocated", Hook::tracepoint, "kmalloc_node"}},
              "5.10"},
             {Tier::tracepoint,
              {{"tp_transmit_queued", Hook::tracepoint, "net_dev_queue"},
               {"tp_transmit_starts", Hook::tracepoint, "net_dev_start_xmit"},
               {"tp_memory_allocated", Hook::tracepoint, "kmalloc"}},
              "6.1"},
         }},
        {"completion",
         "the kernel's record of each range of zero-copy calls, before notifications are merged",
         true,
         {
             {Tier::fentry,
              {{"fe_completes", Hook::fentry, "__msg_zerocopy_callback"},
               {"fe_completes_2", Hook::fentry, "__msg_zerocopy_callback"},
               {"kp_completes_again", Hook::kprobe, "__msg_zerocopy_callback"}},
              "5.17",
              no_limits,
              against_preemption},
             {Tier::fentry,
              {{"fe_error_reported", Hook::fentry, "sk_error_report"},
               {"tp_packet_consumed", Hook::tracepoint, "consume_skb"},
               {"tp_packet_consumed_2", Hook::tracepoint, "consume_skb"},
               {"kp_error_reported", Hook::kprobe, "sk_error_report"},
               {"pt_packet_consumed", Hook::perf_tracepoint, "consume_skb"}},
              "5.17",
              no_limits,
              against_preemption},
             {Tier::fentry,
              {{"fe_completes", Hook::fentry, "__msg_zerocopy_callback"},
               {"fe_completes_2", Hook::fentry, "__msg_zerocopy_callback"}},
              "5.17"},
             {Tier::fentry, {{"fe_completes_v5_12", Hook::fentry, "__msg_zerocopy_callback"}}, "5.12"},
             {Tier::fentry, {{"fe_completes_v5_10", Hook::fentry, "sock_zerocopy_callback"}}, "5.10"},
             // Where the callback is inlined into its caller, as in Debian's Linux 7.2.
             {Tier::fentry,
              {{"fe_error_reported", Hook::fentry, "sk_error_report"},
               {"tp_packet_consumed", Hook::tracepoint, "consume_skb"},
               {"tp_packet_consumed_2", Hook::tracepoint, "consume_skb"}},
              "5.17"},
             {Tier::kprobe, {{"kp_completes", Hook::kprobe, "__msg_zerocopy_callback"}}, "5.12"},
             {Tier::kprobe, {{"kp_completes_v5_10", Hook::kprobe, "sock_zerocopy_callback"}}, "5.10"},
             {Tier::kprobe,
              {{"kp_error_reported", Hook::kprobe, "sk_error_report"},
               {"tp_packet_consumed", Hook::tracepoint, "consume_skb"},
               {"tp_packet_consumed_2", Hook::tracepoint, "consume_skb"}},
              "5.17"},
             {Tier::tracepoint,
              {{"tp_error_reported", Hook::tracepoint, "inet_sk_error_report"},
               {"tp_packet_consumed", Hook::tracepoint, "consume_skb"},
               {"tp_packet_consumed_2", Hook::tracepoint, "consume_skb"}},
              "5.17"},
             {Tier::tracepoint,
              {{"tp_packet_consumed_v5_10", Hook::tracepoint, "consume_skb"},
               {"tp_packet_consumed_v5_10_2", Hook::tracepoint, "consume_skb"}},
              "5.10",
              "most records are seen only when the program reads them from the error queue"},
         }},
        {"receive-call",
         "bytes copied to the receiver and returned by receive calls",
         true,
         {
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends", Hook::fexit, "tcp_recvmsg", 5},
               {"fe_mptcp_receive_ends", Hook::fexit, "mptcp_recvmsg", 5},
               {"kp_receive_copies_once", Hook::kprobe, "skb_copy_datagram_iter"},
               {"pt_receive_ends", Hook::perf_tracepoint, "sock_recv_length"}},
              "6.3",
              no_limits,
              against_preemption},
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends_v7", Hook::fexit, "tcp_recvmsg", 4},
               {"fe_mptcp_receive_ends_v7", Hook::fexit, "mptcp_recvmsg", 4},
               {"kp_receive_copies_once", Hook::kprobe, "skb_copy_datagram_iter"},
               {"pt_receive_ends", Hook::perf_tracepoint, "sock_recv_length"}},
              "7.2",
              no_limits,
              against_preemption},
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends_v5_10", Hook::fexit, "tcp_recvmsg", 6}},
              "5.10"},
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends", Hook::fexit, "tcp_recvmsg", 5},
               {"fe_mptcp_receive_ends", Hook::fexit, "mptcp_recvmsg", 5}},
              "5.19"},
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends", Hook::fexit, "tcp_recvmsg", 5}},
              "5.19"},
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends_v7", Hook::fexit, "tcp_recvmsg", 4},
               {"fe_mptcp_receive_ends_v7", Hook::fexit, "mptcp_recvmsg", 4}},
              "7.2"},
             {Tier::fentry,
              {{"fe_receive_copies", Hook::fentry, "skb_copy_datagram_iter"},
               {"fe_receive_ends_v7", Hook::fexit, "tcp_recvmsg", 4}},
              "7.2"},
             {Tier::kprobe,
              {{"kp_receive_copies", Hook::kprobe, "skb_copy_datagram_iter"},
               {"tp_receive_ends", Hook::tracepoint, "sock_recv_length"}},
              "6.3"},
             {Tier::kprobe,
              {{"kp_receive_copies", Hook::kprobe, "skb_copy_datagram_iter"},
               {"tp_receive_returns", Hook::tracepoint, "sys_exit"}},
              "5.10"},
             {Tier::tracepoint,
              {{"tp_receive_copies", Hook::tracepoint, "skb_copy_datagram_iovec"},
               {"tp_receive_ends", Hook::tracepoint, "sock_recv_length"}},
              "6.3"},
             {Tier::tracepoint,
              {{"tp_receive_copies", Hook::tracepoint, "skb_copy_datagram_iovec"},
               {"tp_receive_returns", Hook::tracepoint, "sys_exit"}},
              "5.10"},
         }},
        {"packet-path",
         "payload in user pages at the device queue, at the driver and at the receiving stack",
         false,
         {
             {Tier::tracepoint,
              {{"tp_transmit_queued", Hook::tracepoint, "net_dev_queue"},
               {"tp_transmit_starts", Hook::tracepoint, "net_dev_start_xmit"},
               {"tp_receive_starts", Hook::tracepoint, "netif_receive_skb"}},
              "5.10"},
         }},
        {"xdp-copy",
         "payload copied into a new packet for an XDP program (skb_pp_cow_data, veth_xdp_rcv_skb)",
         false,
         {
             {Tier::tracepoint, {{"tp_packet_rebuilt", Hook::tracepoint, "consume_skb", 2}}, "6.3"},
             {Tier::tracepoint, {{"tp_packet_rebuilt_v5_10", Hook::tracepoint, "consume_skb", 1}}, "5.10"},
         }},
        {"bounce",
         "payload copied to memory that the device can reach (swiotlb_map)",
         false,
         {
             {Tier::tracepoint, {{"tp_part_bounced", Hook::tracepoint, "swiotlb_bounced"}}, "5.10"},
         }},
        {"retransmit",
         "payload sent again",
         false,
         {
             {Tier::tracepoint, {{"tp_retransmitted", Hook::tracepoint, "tcp_retransmit_skb", 3}}, "6.17"},
             {Tier::tracepoint, {{"tp_retransmitted_v5_10", Hook::tracepoint, "tcp_retransmit_skb", 2}}, "5.10"},
         }},
    };
}

std::string_view prefix_of(Hook hook) {
    switch (hook) {
        case Hook::fentry:
            return "fentry/";
        case Hook::fexit:
            return "fexit/";
        case Hook::kprobe:
            return "kprobe/";
        case Hook::tracepoint:
            return "tp_btf/";
        case Hook::perf_tracepoint:
            return "tracepoint/";
    }
    return "?/";
}

}  // namespace

std::string spell(const Program& program) {
    return std::string(prefix_of(program.hook)) + std::string(program.symbol);
}

const std::vector<Probe>& catalogue() {
    static const std::vector<Probe> probes = make_catalogue();
    return probes;
}

}  // namespace netio::probes
