// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <time.h>

// Needs struct timespec from <time.h>.
#include <linux/errqueue.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "workload/completions.h"
#include "workload/error_queue.h"
#include "workload/hello.h"
#include "workload/message.h"
#include "workload/options.h"
#include "workload/pattern.h"
#include "workload/stamp.h"
#include "workload/stream_reader.h"

using namespace netio;
using namespace netio::workload;

namespace {

std::vector<std::byte> serialised(const Message& message) {
    std::vector<std::byte> bytes(message.size_bytes());
    message.serialise(bytes.data());
    return bytes;
}

// A message as it stands in the stream: stamp, then the pattern of its number.
std::vector<std::byte> wire_message(std::uint64_t size, std::uint32_t connection, std::uint64_t number,
                                    const Stamp& stamp) {
    std::vector<std::byte> bytes(size);
    fill_pattern(bytes, message_seed(connection, number), 0);
    std::ranges::copy(encode_stamp(stamp), bytes.begin());
    return bytes;
}

// `warm` warm-up messages and `measured` measured ones; message n is stamped 1000 + 10 n.
std::vector<std::byte> stream(std::uint64_t size, std::uint32_t connection, std::uint64_t warm,
                              std::uint64_t measured) {
    std::vector<std::byte> bytes;
    for (std::uint64_t n = 0; n < warm + measured; ++n) {
        const bool last = n + 1 == warm || n + 1 == warm + measured;
        const auto message = wire_message(size, connection, n, {1000 + 10 * n, n < warm, last});
        bytes.insert(bytes.end(), message.begin(), message.end());
    }
    return bytes;
}

void feed_in_pieces(StreamReader& reader, std::span<const std::byte> bytes, std::size_t piece, std::uint64_t now_ns) {
    while (!bytes.empty()) {
        const std::size_t part = std::min(piece, bytes.size());
        reader.feed(bytes.first(part), now_ns);
        bytes = bytes.subspan(part);
    }
}

}  // namespace

TEST_CASE("workload: eight fields share a message, the last takes the remainder") {
    for (std::uint64_t size = 8; size <= 64; ++size) {
        const FieldSizes sizes = field_sizes(size);
        CHECK(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}) == size);
        for (std::size_t i = 0; i + 1 < field_count; ++i) {
            CHECK(sizes[i] == size / 8);
        }
        CHECK(sizes.back() == size / 8 + size % 8);
    }
    CHECK(field_sizes(4093).back() == 511 + 5);
    CHECK(field_sizes(16384)[0] == 2048);
}

TEST_CASE("workload: fields are apart from each other, large ones page-aligned") {
    for (const std::uint64_t size : {8U, 256U, 32768U, 100003U}) {
        const auto message = Message::allocate(size);
        REQUIRE(message);
        std::vector<std::pair<std::uintptr_t, std::size_t>> places;
        for (const iovec& field : message->fields()) {
            const auto address = reinterpret_cast<std::uintptr_t>(field.iov_base);
            places.emplace_back(address, field.iov_len);
            CHECK((field.iov_len < 4096 || address % 4096 == 0));
        }
        std::ranges::sort(places);
        for (std::size_t i = 1; i < places.size(); ++i) {
            CHECK(places[i - 1].first + places[i - 1].second <= places[i].first);
            // Below a page the allocator's header lies between; a page-sized field may end where the next begins.
            CHECK((size == 32768U || places[i - 1].first + places[i - 1].second < places[i].first));
        }
    }
}

TEST_CASE("workload: stamps keep 62 bits of time and both flags") {
    const std::uint64_t longest = (std::uint64_t{1} << 62) - 1;
    for (const Stamp stamp : {Stamp{0, false, false}, Stamp{longest, true, false}, Stamp{longest, false, true},
                              Stamp{1234567890123, true, true}}) {
        CHECK(decode_stamp(encode_stamp(stamp)) == stamp);
    }
    const auto bytes = encode_stamp({0x0102, true, false});
    CHECK(bytes[0] == std::byte{0x02});
    CHECK(bytes[1] == std::byte{0x01});
    CHECK(bytes[7] == std::byte{0x80});
    CHECK(encode_stamp({0, false, true})[7] == std::byte{0x40});
}

TEST_CASE("workload: a stamp lies in the first 8 bytes, scattered over short fields, and the pattern in the rest") {
    const Stamp stamp{0x0123456789abcdef & stamp_time_mask, false, true};
    for (const std::uint64_t size : {8U, 9U, 17U, 63U, 64U, 4093U}) {
        auto message = Message::allocate(size);
        REQUIRE(message);
        message->fill(message_seed(3, 7));
        message->write_stamp(stamp);
        CHECK(serialised(*message) == wire_message(size, 3, 7, stamp));
    }
}

TEST_CASE("workload: the pattern does not depend on how a message is cut") {
    std::vector<std::byte> whole(61);
    fill_pattern(whole, 99, 0);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        std::vector<std::byte> parts(whole.size());
        fill_pattern(std::span(parts).first(cut), 99, 0);
        fill_pattern(std::span(parts).subspan(cut), 99, cut);
        CHECK(parts == whole);
        CHECK(count_mismatches(std::span(whole).subspan(cut), 99, cut) == 0);
    }
}

TEST_CASE("workload: mismatches are counted byte by byte") {
    std::vector<std::byte> bytes(40);
    fill_pattern(bytes, message_seed(0, 5), 3);
    for (const std::size_t i : {0U, 4U, 7U, 20U, 39U}) {
        bytes[i] ^= std::byte{1};
    }
    CHECK(count_mismatches(bytes, message_seed(0, 5), 3) == 5);
    CHECK(count_mismatches(bytes, message_seed(0, 6), 3) > 30);
    CHECK(count_mismatches(bytes, message_seed(1, 5), 3) > 30);
    CHECK(message_seed(0, 0) != static_seed);
}

TEST_CASE("workload: a vector of buffers advances over what was taken") {
    char memory[10];
    std::array<iovec, 4> vector{{{memory, 3}, {memory + 3, 0}, {memory + 3, 4}, {memory + 7, 3}}};
    CHECK(total_bytes(vector) == 10);
    auto rest = drop_front(vector, 0);
    CHECK(rest.size() == 4);
    rest = drop_front(rest, 2);
    REQUIRE(rest.size() == 4);
    CHECK(rest[0].iov_base == memory + 2);
    CHECK(rest[0].iov_len == 1);
    rest = drop_front(rest, 1);
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].iov_base == memory + 3);
    rest = drop_front(rest, 5);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].iov_base == memory + 8);
    CHECK(total_bytes(rest) == 2);
    CHECK(drop_front(rest, 2).empty());
}

namespace {

// Records what Completions reports.
struct Done {
    std::vector<std::size_t> slots;
    std::vector<std::uint64_t> times;
    void operator()(std::size_t slot, std::uint64_t entered_ns) {
        slots.push_back(slot);
        times.push_back(entered_ns);
    }
};

}  // namespace

TEST_CASE("workload: completion ranges release the calls they name, once") {
    Completions completions;
    for (std::size_t slot = 0; slot < 6; ++slot) {
        completions.sent(slot, 100 + slot);
    }
    CHECK(completions.outstanding() == 6);
    Done done;
    const auto record = [&](std::size_t slot, std::uint64_t at) { done(slot, at); };
    CHECK(completions.complete(2, 3, record) == 2);
    CHECK(completions.outstanding() == 4);
    CHECK(completions.complete(2, 3, record) == 0);
    CHECK(completions.complete(0, 1, record) == 2);
    CHECK(completions.complete(0, 3, record) == 0);
    CHECK(completions.complete(5, 9, record) == 1);
    CHECK(completions.complete(4, 4, record) == 1);
    CHECK(completions.outstanding() == 0);
    CHECK(done.slots == std::vector<std::size_t>{2, 3, 0, 1, 5, 4});
    CHECK(done.times == std::vector<std::uint64_t>{102, 103, 100, 101, 105, 104});
    completions.sent(9, 1);
    CHECK(completions.complete(6, 6, record) == 1);
    CHECK(done.slots.back() == 9);
}

TEST_CASE("workload: call numbers wrap after 32 bits") {
    Completions completions(0xfffffffe);
    for (std::size_t slot = 0; slot < 5; ++slot) {
        completions.sent(slot, slot);
    }
    Done done;
    const auto record = [&](std::size_t slot, std::uint64_t at) { done(slot, at); };
    CHECK(completions.complete(0xffffffff, 1, record) == 3);
    CHECK(done.slots == std::vector<std::size_t>{1, 2, 3});
    CHECK(completions.complete(0xfffffffe, 0xfffffffe, record) == 1);
    CHECK(completions.complete(2, 2, record) == 1);
    CHECK(done.slots == std::vector<std::size_t>{1, 2, 3, 0, 4});
    CHECK(completions.outstanding() == 0);
}

namespace {

std::optional<Notification> decode(int level, int type, const sock_extended_err& error) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof error)] = {};
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof error);
    std::memcpy(CMSG_DATA(header), &error, sizeof error);
    return decode_notification(message);
}

}  // namespace

TEST_CASE("workload: notifications are read from the error queue's control messages") {
    sock_extended_err error{};
    error.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
    error.ee_info = 0xfffffffe;
    error.ee_data = 3;
    CHECK(decode(SOL_IP, IP_RECVERR, error) == Notification{0xfffffffe, 3, false});
    CHECK(decode(SOL_IPV6, IPV6_RECVERR, error) == Notification{0xfffffffe, 3, false});
    CHECK_FALSE(decode(SOL_SOCKET, IP_RECVERR, error));
    error.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
    CHECK(decode(SOL_IP, IP_RECVERR, error) == Notification{0xfffffffe, 3, true});
    error.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
    CHECK_FALSE(decode(SOL_IP, IP_RECVERR, error));
    CHECK_FALSE(decode_notification(msghdr{}));
}

TEST_CASE("workload: hellos survive the wire, and strangers are told by their magic") {
    const ClientHello client{7, 0x1122334455667788, 3, 4, true};
    const auto client_bytes = encode(client);
    CHECK(*decode_client_hello(client_bytes) == client);
    const ServerHello server{9, Verdict::busy, model::CopyMode::one_copy, max_message_bytes, 4, "boot time:[1]"};
    const auto server_bytes = encode(server);
    CHECK(*decode_server_hello(server_bytes) == server);
    ServerHello opening = server;
    opening.opens_anew = true;
    opening.clock_id = std::string(92, 'c');
    CHECK(*decode_server_hello(encode(opening)) == opening);
    CHECK(decode_port(encode_port(0xfedc)) == 0xfedc);

    auto wrong = client_bytes;
    wrong[0] = std::byte{'G'};
    CHECK(decode_client_hello(wrong).error().what == "a peer that is no netio-client connected");
    auto other = server_bytes;
    other[7] ^= std::byte{1};
    CHECK(decode_server_hello(other).error().code == ExitCode::usage);
    CHECK(decode_server_hello(other).error().what == "what listens there is no netio-server");
}

TEST_CASE("workload: clocks are compared only on one boot of one machine") {
    CHECK_FALSE(clock_identity().empty());
    CHECK(clock_identity() == clock_identity());
    CHECK(clock_difference("a", "a").empty());
    CHECK(clock_difference("a", "b") == "server and client run on different machines, whose clocks cannot be compared");
    CHECK(clock_difference("", "").find("boot id") != std::string::npos);
}

TEST_CASE("workload: a stream gives the same counts however it is cut") {
    for (const std::uint64_t size : {8U, 9U, 64U, 1000U}) {
        const auto bytes = stream(size, 2, 3, 5);
        for (const std::size_t piece :
             {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{100}, bytes.size()}) {
            StreamReader reader({size, 2, true, true});
            CHECK_FALSE(reader.expecting());
            feed_in_pieces(reader, bytes, piece, 5000);
            CHECK(reader.warm());
            CHECK(reader.finished());
            CHECK_FALSE(reader.expecting());
            CHECK(reader.messages() == 5);
            CHECK(reader.bytes() == 5 * size);
            CHECK(reader.verified_bytes() == 5 * size);
            CHECK(reader.corrupt_bytes() == 0);
            CHECK(reader.surplus_bytes() == 0);
            const auto delivery = reader.delivery_ns().data();
            CHECK(delivery.count == 5);
            CHECK(delivery.min == 5000 - 1070);
            CHECK(delivery.max == 5000 - 1030);
        }
    }
}

TEST_CASE("workload: phases end with their last message") {
    const std::uint64_t size = 64;
    const auto bytes = stream(size, 0, 2, 2);
    StreamReader reader({size, 0, false, false});
    const auto message = [&](std::size_t n) { return std::span(bytes).subspan(n * size, size); };
    reader.feed(message(0), 10);
    CHECK_FALSE(reader.warm());
    CHECK(reader.expecting());
    reader.feed(message(1), 20);
    CHECK(reader.warm());
    CHECK_FALSE(reader.expecting());
    reader.feed(message(2).first(9), 30);
    CHECK(reader.expecting());
    CHECK(reader.bytes() == 9);
    reader.feed(message(2).subspan(9), 40);
    CHECK(reader.expecting());
    CHECK_FALSE(reader.finished());
    reader.feed(message(3), 50);
    CHECK(reader.finished());
    CHECK(reader.first_byte_ns() == 30);
    CHECK(reader.last_byte_ns() == 50);
    CHECK(reader.verified_bytes() == 0);
    CHECK(reader.delivery_ns().count() == 0);
    reader.feed(message(3).first(11), 60);
    CHECK(reader.surplus_bytes() == 11);
    CHECK(reader.bytes() == 2 * size);
}

TEST_CASE("workload: verification finds damaged, lost, repeated and overwritten messages") {
    const std::uint64_t size = 256;
    auto bytes = stream(size, 1, 1, 4);
    const auto corrupt = [&](const std::vector<std::byte>& damaged) {
        StreamReader reader({size, 1, true, false});
        reader.feed(damaged, 5000);
        CHECK(reader.verified_bytes() == reader.bytes());
        return reader.corrupt_bytes();
    };
    CHECK(corrupt(bytes) == 0);

    auto damaged = bytes;
    damaged[3 * size + 100] ^= std::byte{0x10};
    CHECK(corrupt(damaged) == 1);

    auto warm_up_damaged = bytes;
    warm_up_damaged[100] ^= std::byte{0x10};
    CHECK(corrupt(warm_up_damaged) == 0);

    auto lost = bytes;
    lost.erase(lost.begin() + 2 * size, lost.begin() + 3 * size);
    CHECK(corrupt(lost) > 2 * (size - stamp_bytes) * 9 / 10);

    // What a buffer that is reused before its completion looks like: message 2 already holds message 3.
    auto overwritten = bytes;
    std::copy_n(bytes.begin() + 3 * size, size, overwritten.begin() + 2 * size);
    CHECK(corrupt(overwritten) > (size - stamp_bytes) * 9 / 10);
}

TEST_CASE("workload: verification of messages that are only a stamp goes by their order") {
    auto bytes = stream(8, 0, 1, 4);
    auto repeated = bytes;
    std::copy_n(bytes.begin() + 3 * 8, 8, repeated.begin() + 2 * 8);
    StreamReader reader({8, 0, true, false});
    reader.feed(repeated, 5000);
    CHECK(reader.corrupt_bytes() == 8);

    auto no_warm_up = std::span(bytes).subspan(8);
    StreamReader early({8, 0, true, false});
    early.feed(no_warm_up, 5000);
    CHECK(early.corrupt_bytes() == 4 * 8);
}
