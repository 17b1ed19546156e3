// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "model/vocabulary.h"

namespace netio::workload {

inline constexpr std::uint64_t min_message_bytes = 8;  // the stamp
inline constexpr std::uint64_t max_message_bytes = std::uint64_t{1} << 30;
inline constexpr std::uint32_t max_connections = 1024;
inline constexpr std::uint64_t max_messages = 1'000'000'000'000;
inline constexpr std::uint16_t default_port = 5001;

// Who opens the connection of the measured phase, and how.
enum class Opening : std::uint8_t {
    by_client,         // before anything is sent; it is the connection of the warm-up as well
    by_first_send,     // the server, with data in the first packet: sendmsg(2) with MSG_FASTOPEN
    by_deferred_send,  // the same by connect(2) after TCP_FASTOPEN_CONNECT, which leaves it to the first send call
};

struct ServerOptions {
    std::string bind_address = "127.0.0.1";  // or a host name, or an IPv6 address without brackets
    std::uint16_t port = default_port;       // 0: any free port
    model::CopyMode mode = model::CopyMode::zerocopy;
    std::uint64_t size_bytes = 16384;
    std::uint32_t connections = 0;  // 0: as many as the client says it opens
    std::uint64_t messages = 0;     // per connection; 0: as many as fit in `duration`
    std::chrono::nanoseconds duration{5'000'000'000};
    std::chrono::nanoseconds warmup{200'000'000};
    Opening opening = Opening::by_client;
    bool mptcp = false;                   // Multipath TCP (RFC 8684) in place of TCP
    bool secret_memory = false;           // zerocopy: messages in memory that cannot be pinned, memfd_secret(2)
    bool skip_opt_in = false;             // pass MSG_ZEROCOPY without having set SO_ZEROCOPY
    bool empty_sends = false;             // zerocopy: a call without bytes after each message
    bool late_completions = false;        // read completions only when there is nothing left to send with
    bool uncounted_completions = false;   // zerocopy: wait for no completion, whatever comes of them
    std::uint32_t pool_messages = 0;      // zerocopy: message buffers of a connection; 0: chosen by size
    std::uint32_t send_buffer_bytes = 0;  // SO_SNDBUF; 0: left to the kernel
    bool nonblocking = false;             // O_NONBLOCK: send calls take what fits, the rest follows
};

struct ClientOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = default_port;
    std::uint32_t connections = 1;
    bool mptcp = false;  // Multipath TCP in place of TCP
    bool verify = false;
    std::optional<model::CopyMode> expected_mode;              // a server in another mode is refused
    std::optional<std::uint64_t> expected_size_bytes;          // a server with another message size is refused
    std::chrono::nanoseconds connect_patience{2'000'000'000};  // the programs may be started in any order
};

}  // namespace netio::workload
