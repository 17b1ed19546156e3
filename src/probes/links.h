// SPDX-License-Identifier: MIT
#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <vector>

namespace netio::probes {

struct LinkDeleter {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

// Attached programs; the last attached comes off first. To take the first of several programs off a tracepoint costs
// the kernel a grace period of RCU (kernel/tracepoint.c, TP_TRANSITION_SYNC_N_2_1), some 10 ms; the last costs none.
class Links {
 public:
    Links() = default;
    Links(Links&&) noexcept = default;
    Links& operator=(Links&& other) noexcept {
        std::swap(links_, other.links_);
        return *this;
    }
    ~Links() {
        while (!links_.empty()) {
            links_.pop_back();
        }
    }

    void add(bpf_link* link) { links_.emplace_back(link); }

 private:
    std::vector<std::unique_ptr<bpf_link, LinkDeleter>> links_;
};

}  // namespace netio::probes
