// SPDX-License-Identifier: MIT
#include "workload/hello.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/files.h"
#include "base/text.h"

namespace netio::workload {
namespace {

constexpr std::string_view client_magic = "netio-cl";
constexpr std::string_view server_magic = "netio-sv";
constexpr std::size_t clock_id_bytes = 92;

// Writes fixed-width fields one after another.
class Writer {
 public:
    explicit Writer(std::span<std::byte> bytes) : bytes_(bytes) {}
    void number(std::uint64_t value, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) {
            bytes_[at_++] = static_cast<std::byte>(value >> (8 * i));
        }
    }
    void text(std::string_view value, std::size_t width) {
        std::memcpy(&bytes_[at_], value.data(), std::min(value.size(), width));
        at_ += width;
    }

 private:
    std::span<std::byte> bytes_;
    std::size_t at_ = 0;
};

class Reader {
 public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::uint64_t number(std::size_t width) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < width; ++i) {
            value |= static_cast<std::uint64_t>(bytes_[at_++]) << (8 * i);
        }
        return value;
    }
    std::uint32_t number32() { return static_cast<std::uint32_t>(number(4)); }
    // Up to the first 0 byte.
    std::string text(std::size_t width) {
        const auto* begin = reinterpret_cast<const char*>(&bytes_[at_]);
        at_ += width;
        return {begin, std::find(begin, begin + width, '\0')};
    }

 private:
    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
};

}  // namespace

std::array<std::byte, client_hello_bytes> encode(const ClientHello& hello) {
    std::array<std::byte, client_hello_bytes> bytes{};
    Writer writer(bytes);
    writer.text(client_magic, client_magic.size());
    writer.number(hello.version, 4);
    writer.number(hello.verify ? 1 : 0, 4);
    writer.number(hello.index, 4);
    writer.number(hello.connections, 4);
    writer.number(hello.session, 8);
    return bytes;
}

std::array<std::byte, server_hello_bytes> encode(const ServerHello& hello) {
    std::array<std::byte, server_hello_bytes> bytes{};
    Writer writer(bytes);
    writer.text(server_magic, server_magic.size());
    writer.number(hello.version, 4);
    writer.number(static_cast<std::uint64_t>(hello.verdict), 4);
    writer.number(static_cast<std::uint64_t>(hello.mode), 4);
    writer.number(hello.connections, 4);
    writer.number(hello.size_bytes, 8);
    writer.text(hello.clock_id, clock_id_bytes);
    writer.number(hello.opens_anew ? 1 : 0, 4);
    return bytes;
}

Result<ClientHello> decode_client_hello(std::span<const std::byte, client_hello_bytes> bytes) {
    Reader reader(bytes);
    if (reader.text(client_magic.size()) != client_magic) {
        return fail("a peer that is no netio-client connected", "it did not begin with the netio hello");
    }
    ClientHello hello;
    hello.version = reader.number32();
    hello.verify = (reader.number32() & 1U) != 0;
    hello.index = reader.number32();
    hello.connections = reader.number32();
    hello.session = reader.number(8);
    return hello;
}

Result<ServerHello> decode_server_hello(std::span<const std::byte, server_hello_bytes> bytes) {
    Reader reader(bytes);
    if (reader.text(server_magic.size()) != server_magic) {
        return fail("what listens there is no netio-server", "it did not answer with the netio hello", "another --port",
                    ExitCode::usage);
    }
    ServerHello hello;
    hello.version = reader.number32();
    hello.verdict = static_cast<Verdict>(reader.number32());
    hello.mode = static_cast<model::CopyMode>(reader.number32());
    hello.connections = reader.number32();
    hello.size_bytes = reader.number(8);
    hello.clock_id = reader.text(clock_id_bytes);
    hello.opens_anew = (reader.number32() & 1U) != 0;
    return hello;
}

std::array<std::byte, port_bytes> encode_port(std::uint16_t port) {
    std::array<std::byte, port_bytes> bytes{};
    Writer(bytes).number(port, port_bytes);
    return bytes;
}

std::uint16_t decode_port(std::span<const std::byte, port_bytes> bytes) {
    return static_cast<std::uint16_t>(Reader(bytes).number(port_bytes));
}

std::string clock_identity() {
    const auto boot = read_file("/proc/sys/kernel/random/boot_id");
    if (!boot) {
        return {};
    }
    std::error_code ignored;  // no time namespaces before Linux 5.6
    const auto time_namespace = std::filesystem::read_symlink("/proc/self/ns/time", ignored);
    return trim(*boot) + " " + time_namespace.string();
}

std::string clock_difference(const std::string& ours, const std::string& theirs) {
    if (ours.empty() || theirs.empty()) {
        return "the machine's boot id could not be read, so the clocks may differ";
    }
    return ours == theirs ? "" : "server and client run on different machines, whose clocks cannot be compared";
}

}  // namespace netio::workload
