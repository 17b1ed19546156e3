// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

// Every vocabulary of the project: one enum and one string table each. The same words stand in options, JSON, CSV,
// docs.

namespace netio::model {

template <class E>
struct Name {
    E value;
    std::string_view text;
};

// How the server hands a message of 8 fields to the kernel.
enum class CopyMode : std::uint8_t { two_copy, per_field, one_copy, zerocopy };
inline constexpr std::array<Name<CopyMode>, 4> copy_mode_names{{
    {CopyMode::two_copy, "two-copy"},    // fields serialised into one buffer, then send(2)
    {CopyMode::per_field, "per-field"},  // one send(2) per field
    {CopyMode::one_copy, "one-copy"},    // sendmsg(2) with iovec[8]
    {CopyMode::zerocopy, "zerocopy"},    // the same with MSG_ZEROCOPY
}};

// What the traffic crosses.
enum class Path : std::uint8_t { veth, lo, remote };
inline constexpr std::array<Name<Path>, 3> path_names{{
    {Path::veth, "veth"},      // two namespaces of the run's own
    {Path::lo, "lo"},          // one
    {Path::remote, "remote"},  // whatever lies between the server, here, and a netio-client that somebody else runs
}};

// How a probe is attached; `automatic` lets trying decide.
enum class Tier : std::uint8_t { automatic, fentry, kprobe, tracepoint, none };
inline constexpr std::array<Name<Tier>, 5> tier_names{{
    {Tier::automatic, "auto"},
    {Tier::fentry, "fentry"},
    {Tier::kprobe, "kprobe"},
    {Tier::tracepoint, "tracepoint"},
    {Tier::none, "none"},
}};

// The end of the connection a process or socket is at.
enum class Role : std::uint8_t { server, client };
inline constexpr std::array<Name<Role>, 2> role_names{{{Role::server, "server"}, {Role::client, "client"}}};

template <class E, std::size_t N>
constexpr std::string_view name_in(const std::array<Name<E>, N>& names, E value) {
    for (const auto& name : names) {
        if (name.value == value) {
            return name.text;
        }
    }
    return "?";
}

template <class E, std::size_t N>
constexpr std::optional<E> value_in(const std::array<Name<E>, N>& names, std::string_view text) {
    for (const auto& name : names) {
        if (name.text == text) {
            return name.value;
        }
    }
    return std::nullopt;
}

constexpr std::string_view to_string(CopyMode v) {
    return name_in(copy_mode_names, v);
}
constexpr std::string_view to_string(Path v) {
    return name_in(path_names, v);
}
constexpr std::string_view to_string(Tier v) {
    return name_in(tier_names, v);
}
constexpr std::string_view to_string(Role v) {
    return name_in(role_names, v);
}

}  // namespace netio::model
