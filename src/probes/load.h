// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "probes/addresses.h"
#include "probes/links.h"
#include "probes/selection.h"
#include "probes/skeleton.h"
#include "probes/tracer.h"

namespace netio::probes {

struct SkeletonDeleter {
    void operator()(netio_trace_bpf* skeleton) const { netio_trace_bpf::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<netio_trace_bpf, SkeletonDeleter>;

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
