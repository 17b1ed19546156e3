// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>
#include <string>

#include "predict/rules.h"

namespace netio::predict {

// All that is decided by the kernel's version, for a kernel says none of it. Distributions move code between versions;
// of those that were booted (docs/kernels.md) none moved these.
const std::vector<KernelRule>& kernel_rules() {
    static const std::vector<KernelRule> all{
        {"forwards-user-pages",
         {6, 17},
         "skb_orphan_frags_rx moved from __netif_receive_skb_core to ip_local_deliver_finish and ip6_input_finish; "
         "seen "
         "on 6.16 before and on 6.18 after, read in 6.17"},
        {"taps-are-of-a-namespace",
         {6, 15},
         "ptype_all became a list of each network namespace: a tap of another one was seen to copy on 6.12 and not on "
         "6.16"},
    };
    return all;
}

bool holds(std::string_view rule, KernelVersion kernel) {
    const auto& all = kernel_rules();
    const auto found = std::find_if(all.begin(), all.end(), [&](const KernelRule& row) { return row.id == rule; });
    if (found == all.end()) {
        throw std::logic_error("no such rule of kernels: " + std::string(rule));
    }
    return kernel.is_at_least(found->since);
}

}  // namespace netio::predict
