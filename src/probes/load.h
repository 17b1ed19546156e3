// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "probes/addresses.h"
#include "probes/selection.h"
#include "probes/skeleton.h"
#include "probes/tracer.h"

namespace netio::probes {

struct SkeletonDeleter {
    void operator()(netio_trace_bpf* skeleton) const { netio_trace_bpf::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<netio_trace_bpf, SkeletonDeleter>;

struct LinkDeleter {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
// Attached programs; the last attached comes off first. To take the first of several programs off a tracepoint costs
// the kernel a grace period of RCU (kernel/tracepoint.c, TP_TRANSITION_SYNC_N_2_1), some 10 ms; the last costs none.
class Links {
 public:
    Links() = default;
    Links(Links&&) noexcept = default;
    Links& operator=(Links&& other) noexcept;
    ~Links();

    void add(bpf_link* link) { links_.emplace_back(link); }

 private:
    std::vector<std::unique_ptr<bpf_link, LinkDeleter>> links_;
};

struct Loaded {
    Skeleton skeleton;
    Links links;  // destroyed before the skeleton
    std::vector<Choice> choices;
    KernelCode code;
};

// Opens, configures, loads and attaches what trying chose. When the verifier refuses a program, its variant counts as
// refused, and the choice is made anew without it.
Result<Loaded> load_and_attach(const TracerOptions& options);

}  // namespace netio::probes
