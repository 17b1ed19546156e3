// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace netio::workload {

// Which zero-copy send calls still hold which message buffer. The kernel numbers the calls of a socket that returned
// more than 0, counting from 0 in 32 bits, and names inclusive ranges of them when their pages are free again
// (Documentation/networking/msg_zerocopy.rst; ee_info and ee_data of struct sock_extended_err).
class Completions {
 public:
    // The number of the first call; other than 0 only to test the wrap.
    explicit Completions(std::uint32_t first_id = 0) : first_id_(first_id) {}

    // A send call took bytes of buffer `slot`; it was entered at `entered_ns`.
    void sent(std::size_t slot, std::uint64_t entered_ns);
    // The calls from `low` to `high` inclusive are done; calls on_done(slot, entered_ns) once for each that was
    // outstanding. Returns how many those were: fewer than the range holds if numbers came twice or were never used.
    template <class OnDone>
    std::uint64_t complete(std::uint32_t low, std::uint32_t high, OnDone on_done) {
        std::uint64_t done = 0;
        const std::uint64_t span = static_cast<std::uint64_t>(high - low) + 1;  // the difference wraps as the ids do
        for (std::uint64_t i = 0; i < span; ++i) {
            Call* call = find(low + static_cast<std::uint32_t>(i));
            if (call != nullptr && !call->done) {
                call->done = true;
                --outstanding_;
                ++done;
                on_done(call->slot, call->entered_ns);
            }
        }
        drop_done();
        return done;
    }
    // Send calls whose completion has not been read.
    std::size_t outstanding() const { return outstanding_; }

 private:
    struct Call {
        std::size_t slot;
        std::uint64_t entered_ns;
        bool done;
    };
    Call* find(std::uint32_t id);
    void drop_done();

    std::uint32_t first_id_;  // of calls_.front()
    std::deque<Call> calls_;
    std::size_t outstanding_ = 0;
};

}  // namespace netio::workload
