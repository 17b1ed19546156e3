// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "probes/catalogue.h"
#include "probes/types.h"

namespace netio::probes {

// Finds out whether a program can hang where it should. What the kernel has no type for is refused without trying; else
// an empty program of the same kind is loaded and attached, until one of the kind hangs: to take a probe off again can
// cost the kernel a grace period of RCU, some 10 ms each. What the verifier says of the real program, and a single
// function that refuses, show when that one is loaded and attached, and count as refusals as well (load_and_attach).
class Trial {
 public:
    // `types`: the running kernel's, or the reason for having none.
    explicit Trial(const Result<KernelTypes>& types);

    // Cached. An error's `why` is the kernel's word.
    Result<void> attempt(const Program& program);

 private:
    Result<void> attempt_uncached(const Program& program);
    Result<void> attempt_btf(const Program& program, std::uint32_t type_id);
    Result<void> attempt_kprobe(const Program& program);
    Result<void> attempt_module(const Program& program);
    const Result<KernelTypes>& types_of(std::string_view module);
    void keep(Fd first, Fd second);

    const Result<KernelTypes>& types_;
    std::map<std::string, Result<KernelTypes>, std::less<>> modules_;
    std::map<std::string, Result<void>> known_;
    std::set<Hook> works_;
    std::vector<Fd> held_;  // taken off together at the end
};

}  // namespace netio::probes
