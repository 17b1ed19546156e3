// SPDX-License-Identifier: MIT
#include "provoke/longer_packet.h"

#include <netinet/in.h>

#include <algorithm>

namespace netio::provoke {

namespace {

using Packet = std::vector<std::uint8_t>;

constexpr std::size_t added_bytes = 4;
constexpr std::uint8_t option_without_meaning = 1;  // RFC 9293, 3.1: "No-Operation"
constexpr std::size_t longest_tcp_header = 60;

std::uint16_t number_at(const Packet& packet, std::size_t at) {
    return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]);
}

void put_number(Packet& packet, std::size_t at, std::uint16_t number) {
    packet[at] = static_cast<std::uint8_t>(number >> 8);
    packet[at + 1] = static_cast<std::uint8_t>(number);
}

// RFC 1071, over the bytes from `begin` to `end`, on top of `sum`.
std::uint16_t checksum(const Packet& packet, std::size_t begin, std::size_t end, std::uint32_t sum) {
    for (std::size_t at = begin; at < end; at += 2) {
        sum += static_cast<std::uint32_t>(packet[at] << 8 | (at + 1 < end ? packet[at + 1] : 0));
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

struct Headers {
    std::size_t network = 0;    // bytes
    std::size_t transport = 0;  // bytes
};

// No transport header: not such a packet.
Headers headers_of(const Packet& packet) {
    constexpr std::size_t least = 20;
    Headers headers;
    if (packet.size() < 2 * least || packet[0] >> 4 != 4 || packet[9] != IPPROTO_TCP ||
        number_at(packet, 2) != packet.size()) {
        return headers;
    }
    headers.network = static_cast<std::size_t>(packet[0] & 0xfU) * 4;
    if (headers.network >= least && packet.size() > headers.network + least) {
        const std::size_t transport = static_cast<std::size_t>(packet[headers.network + 12] >> 4U) * 4;
        headers.transport = transport >= least ? transport : 0;
    }
    return headers;
}

void compute_checksums(Packet& packet, std::size_t network) {
    put_number(packet, 10, 0);
    put_number(packet, 10, checksum(packet, 0, network, 0));
    // Both addresses, the protocol, and the length of what follows: the header that is only thought of.
    std::uint32_t thought_of = static_cast<std::uint32_t>(IPPROTO_TCP + packet.size() - network);
    for (const std::size_t at : {12UL, 14UL, 16UL, 18UL}) {
        thought_of += number_at(packet, at);
    }
    put_number(packet, network + 16, 0);
    put_number(packet, network + 16, checksum(packet, network, packet.size(), thought_of));
}

}  // namespace

bool lengthen(Packet& packet) {
    const Headers headers = headers_of(packet);
    const std::size_t payload = headers.network + headers.transport;
    if (headers.transport == 0 || payload >= packet.size() || headers.transport + added_bytes > longest_tcp_header ||
        packet.size() + added_bytes > 0xffff) {
        return false;
    }
    packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(payload), added_bytes, option_without_meaning);
    put_number(packet, 2, static_cast<std::uint16_t>(packet.size()));
    packet[headers.network + 12] =
        static_cast<std::uint8_t>(packet[headers.network + 12] + (added_bytes / 4 << 4));  // in words of 4 bytes
    compute_checksums(packet, headers.network);
    return true;
}

}  // namespace netio::provoke
