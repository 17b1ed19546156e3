// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "model/vocabulary.h"

namespace netio::workload {

// What the two ends tell each other when a connection is made, client first. Fixed lengths, little-endian.

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t client_hello_bytes = 36;
inline constexpr std::size_t server_hello_bytes = 128;

struct ClientHello {
    std::uint32_t version = protocol_version;
    std::uint64_t session = 0;  // the same on all connections of a client, and on no other's
    std::uint32_t index = 0;    // of the connection
    std::uint32_t connections = 1;
    bool verify = false;
    bool operator==(const ClientHello&) const = default;
};

// The server's answer; with any other word than accepted it closes the connection.
enum class Verdict : std::uint8_t { accepted, wrong_version, wrong_connections, busy };

struct ServerHello {
    std::uint32_t version = protocol_version;
    Verdict verdict = Verdict::accepted;
    model::CopyMode mode = model::CopyMode::zerocopy;
    std::uint64_t size_bytes = 0;
    std::uint32_t connections = 0;
    std::string clock_id;     // see clock_identity()
    bool opens_anew = false;  // the client is to listen, and says where: the measured phase has a connection of its own
    bool operator==(const ServerHello&) const = default;
};

std::array<std::byte, client_hello_bytes> encode(const ClientHello& hello);
std::array<std::byte, server_hello_bytes> encode(const ServerHello& hello);
// Fail when the magic is wrong: something else speaks there.
Result<ClientHello> decode_client_hello(std::span<const std::byte, client_hello_bytes> bytes);
Result<ServerHello> decode_server_hello(std::span<const std::byte, server_hello_bytes> bytes);

// What a client answers that is to listen: its port.
inline constexpr std::size_t port_bytes = 2;
std::array<std::byte, port_bytes> encode_port(std::uint16_t port);
std::uint16_t decode_port(std::span<const std::byte, port_bytes> bytes);

// Names the clock that CLOCK_MONOTONIC reads: the boot (/proc/sys/kernel/random/boot_id) and the time namespace, which
// may shift it (time_namespaces(7)). Two programs with the same identity may compare their times. Empty: unknown.
std::string clock_identity();
// Why two clocks cannot be compared, empty if they can.
std::string clock_difference(const std::string& ours, const std::string& theirs);

}  // namespace netio::workload
