// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "stats/histogram.h"
#include "workload/stamp.h"

namespace netio::workload {

// Finds the messages in a stream that arrives in pieces of any length, follows its phases by the stamps, and counts
// what belongs to the measured one.
class StreamReader {
 public:
    struct Options {
        std::uint64_t size_bytes = 0;  // of every message
        std::uint32_t connection = 0;
        bool verify = false;   // compare the payload with the pattern, and the stamps with each other
        bool latency = false;  // stamps and now_ns are of one clock
    };
    explicit StreamReader(const Options& options) : options_(options) {}

    // The next bytes of the stream; `now_ns` (CLOCK_MONOTONIC) is when they were received.
    void feed(std::span<const std::byte> bytes, std::uint64_t now_ns);

    bool warm() const { return warm_; }          // the last message of the warm-up has been received
    bool finished() const { return finished_; }  // and the last one of the measured phase
    // In the middle of a phase: more must come.
    bool expecting() const;

    // The measured phase.
    std::uint64_t messages() const { return messages_; }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t verified_bytes() const { return verified_bytes_; }
    std::uint64_t corrupt_bytes() const { return corrupt_bytes_; }
    std::uint64_t first_byte_ns() const { return first_byte_ns_; }
    std::uint64_t last_byte_ns() const { return last_byte_ns_; }
    const stats::Histogram& delivery_ns() const { return delivery_ns_; }
    // Bytes after the last message of the measured phase: the sender did not keep to the protocol.
    std::uint64_t surplus_bytes() const { return surplus_bytes_; }

 private:
    void begin_message(std::uint64_t now_ns);
    void take_payload(std::span<const std::byte> bytes);
    void end_message(std::uint64_t now_ns);
    void verify_stamp();

    Options options_;
    std::array<std::byte, stamp_bytes> header_{};
    std::uint64_t offset_ = 0;  // in the current message
    Stamp stamp_;               // of the current message
    std::uint64_t previous_stamp_ns_ = 0;
    std::uint64_t number_ = 0;  // of the current message, warm-up included
    bool warm_ = false;
    bool finished_ = false;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t verified_bytes_ = 0;
    std::uint64_t corrupt_bytes_ = 0;
    std::uint64_t surplus_bytes_ = 0;
    std::uint64_t first_byte_ns_ = 0;
    std::uint64_t last_byte_ns_ = 0;
    stats::Histogram delivery_ns_;
};

}  // namespace netio::workload
