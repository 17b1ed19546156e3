// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "provoke/longer_packet.h"

using namespace netio;

namespace {

using Packet = std::vector<std::uint8_t>;

// IPv4 without options, a header of TCP of so many bytes, and payload; no checksums.
Packet packet_of(std::size_t tcp_header, std::size_t payload) {
    Packet packet(20 + tcp_header + payload);
    const std::size_t size = packet.size();
    packet[0] = 0x45;
    packet[2] = static_cast<std::uint8_t>(size >> 8);
    packet[3] = static_cast<std::uint8_t>(size);
    packet[8] = 64;
    packet[9] = 6;
    for (std::size_t at = 12; at < 20; ++at) {
        packet[at] = static_cast<std::uint8_t>(10 * at);
    }
    packet[32] = static_cast<std::uint8_t>(tcp_header / 4 << 4);
    std::iota(packet.end() - static_cast<std::ptrdiff_t>(payload), packet.end(), std::uint8_t{3});
    return packet;
}

// The one's complement sum of 16-bit words is all ones where it includes a right checksum (RFC 1071).
std::uint32_t sum_of(const Packet& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        sum += at % 2 == 0 ? static_cast<std::uint32_t>(bytes[at]) << 8 : bytes[at];
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

}  // namespace

TEST_CASE("provoke: a packet that has grown is still a right one, with the same payload") {
    for (const std::size_t payload : {1U, 2U, 8191U, 8192U}) {
        for (const std::size_t header : {20U, 32U, 56U}) {
            CAPTURE(payload);
            CAPTURE(header);
            const Packet before = packet_of(header, payload);
            Packet after = before;
            REQUIRE(provoke::lengthen(after));
            REQUIRE(after.size() == before.size() + 4);
            const int told = after[2] << 8 | after[3];
            CHECK(told == static_cast<int>(after.size()));
            CHECK(after[32] == before[32] + 16);
            CHECK(std::equal(before.end() - static_cast<std::ptrdiff_t>(payload), before.end(),
                             after.end() - static_cast<std::ptrdiff_t>(payload)));
            const auto added = after.begin() + static_cast<std::ptrdiff_t>(20 + header);
            CHECK(std::all_of(added, added + 4, [](std::uint8_t option) { return option == 1; }));
            CHECK(sum_of({after.begin(), after.begin() + 20}) == 0xffff);
            // What TCP's checksum includes of the header before it.
            Packet summed(after.begin() + 12, after.begin() + 20);
            const std::size_t segment = after.size() - 20;
            summed.insert(summed.end(),
                          {0, 6, static_cast<std::uint8_t>(segment >> 8), static_cast<std::uint8_t>(segment)});
            summed.insert(summed.end(), after.begin() + 20, after.end());
            CHECK(sum_of(summed) == 0xffff);
        }
    }
}

TEST_CASE("provoke: what is no packet of TCP with payload, or has no room, does not grow") {
    const auto stays = [](Packet packet) {
        const Packet before = packet;
        return !provoke::lengthen(packet) && packet == before;
    };
    CHECK(stays({}));
    CHECK(stays(packet_of(20, 0)));
    CHECK(stays(packet_of(60, 100)));
    CHECK(stays(packet_of(20, 0xffff - 40)));
    Packet other = packet_of(20, 100);
    other[9] = 17;
    CHECK(stays(other));
    other = packet_of(20, 100);
    other[0] = 0x65;
    CHECK(stays(other));
    other = packet_of(20, 100);
    other[3] += 1;  // a part of it is missing
    CHECK(stays(other));
    other = packet_of(20, 100);
    other[32] = 0x40;  // a header of TCP that is shorter than any
    CHECK(stays(other));
}
