// SPDX-License-Identifier: MIT
#include "perf/records.h"

#include <cstring>

namespace netio::perf {
namespace {

// Reads fixed-width values one after another; `sound` turns false at the first that is not there.
class Cursor {
 public:
    explicit Cursor(Ring::Record rest) : rest_(rest) {}

    template <class T>
    T take() {
        T value{};
        if (rest_.size() < sizeof(T)) {
            sound_ = false;
            rest_ = {};
            return value;
        }
        std::memcpy(&value, rest_.data(), sizeof(T));
        rest_ = rest_.subspan(sizeof(T));
        return value;
    }
    std::size_t left() const { return rest_.size(); }
    bool sound() const { return sound_; }

 private:
    Ring::Record rest_;
    bool sound_ = true;
};

// The kernel's part of a call chain, whose parts are headed by marks (PERF_CONTEXT_KERNEL, ...).
std::vector<std::uint64_t> kernel_chain(Cursor& cursor, std::uint64_t length) {
    std::vector<std::uint64_t> chain;
    chain.reserve(length);
    bool kernel = true;
    for (std::uint64_t i = 0; i < length; ++i) {
        const auto address = cursor.take<std::uint64_t>();
        if (address >= static_cast<std::uint64_t>(PERF_CONTEXT_MAX)) {
            kernel = address == static_cast<std::uint64_t>(PERF_CONTEXT_KERNEL);
        } else if (kernel) {
            chain.push_back(address);
        }
    }
    return chain;
}

// The order of the fields is that of the bits in perf_event_open(2), PERF_RECORD_SAMPLE.
std::optional<ProfileRecord> decode_sample(Cursor cursor, std::uint16_t misc) {
    StackSample sample;
    const auto address = cursor.take<std::uint64_t>();
    sample.pid = cursor.take<std::int32_t>();
    (void)cursor.take<std::int32_t>();  // thread
    sample.period = cursor.take<std::uint64_t>();
    const auto length = cursor.take<std::uint64_t>();
    if (!cursor.sound() || length > cursor.left() / sizeof(std::uint64_t)) {
        return std::nullopt;
    }
    sample.kernel = (misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
    if (sample.kernel) {
        sample.chain = kernel_chain(cursor, length);
        if (sample.chain.empty()) {  // the unwinder gave up at once
            sample.chain.push_back(address);
        }
    }
    return sample;
}

std::optional<ProfileRecord> decode_lost(Cursor cursor) {
    (void)cursor.take<std::uint64_t>();  // id of the event
    const LostRecords lost{cursor.take<std::uint64_t>()};
    return cursor.sound() ? std::optional<ProfileRecord>(lost) : std::nullopt;
}

}  // namespace

std::optional<ProfileRecord> decode_record(Ring::Record record) {
    Cursor cursor(record);
    const auto header = cursor.take<perf_event_header>();
    if (!cursor.sound()) {
        return std::nullopt;
    }
    switch (header.type) {
        case PERF_RECORD_SAMPLE:
            return decode_sample(cursor, header.misc);
        case PERF_RECORD_LOST:
            return decode_lost(cursor);
        case PERF_RECORD_THROTTLE:
            return Throttled{};
        default:
            return std::nullopt;
    }
}

}  // namespace netio::perf
