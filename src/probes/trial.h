// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "probes/catalogue.h"

struct btf;

namespace netio::probes {

// Finds out by trying whether a program can hang where it should: loads and attaches an empty program of the same kind
// and takes it off again. Milliseconds for all of the catalogue. What the verifier says of the real program shows when
// the real program is loaded; there the same refusal handling applies (Tracer).
class Trial {
 public:
    Trial();
    ~Trial();
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    // Cached by hook and symbol. An error's `why` is the kernel's word.
    Result<void> attempt(const Program& program);

 private:
    Result<void> attempt_uncached(const Program& program) const;
    Result<void> attempt_btf(const Program& program) const;
    Result<void> attempt_kprobe(const Program& program) const;

    struct btf* types_ = nullptr;  // the running kernel's; null where it has none
    std::map<std::string, Result<void>> known_;
};

}  // namespace netio::probes
