// SPDX-License-Identifier: MIT
#include "probes/timed_stages.h"

namespace netio::probes {

const std::vector<StageRow>& timed_stages() {
    static const std::vector<StageRow> stages{
        {"system-call", "other system call", {}, false},
        {"send", "send call", {}, false},
        {"receive", "receive call", {}, false},
        {"softirq", "softirq", {}, false},
        {"waiting", "waiting", {}, true},
        // Linux 5.10 has one that insists on all bytes; later ones have that inlined.
        {"copy-in", "copy from program", {"_copy_from_iter", "_copy_from_iter_full"}, false},
        {"pin", "pin pages", {"skb_zerocopy_iter_stream"}, false},
        {"late-copy", "late copy", {"skb_copy_ubufs"}, false},
        {"transmit", "IP and device", {"__ip_queue_xmit", "inet6_csk_xmit"}, false},
        // Linux 5.10; 5.12; 6.10.
        {"completion",
         "completion",
         {"sock_zerocopy_callback", "msg_zerocopy_callback", "msg_zerocopy_complete"},
         false},
        {"notification", "read notification", {"ip_recv_error", "ipv6_recv_error"}, false},
        {"copy-out", "copy to program", {"skb_copy_datagram_iter"}, false},
        {"release", "free packets", {"__kfree_skb"}, false},
    };
    return stages;
}

}  // namespace netio::probes
