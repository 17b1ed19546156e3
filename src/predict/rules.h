// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/vocabulary.h"
#include "predict/facts.h"

// What will become of a MSG_ZEROCOPY send, as it follows from the facts alone.

namespace netio::predict {

enum class Outcome : std::uint8_t {
    copied_late,      // by the kernel, after the call; the program is told so
    copied_silently,  // the same, and the program is told that it was not
    not_copied,       // on the part of the way that is this machine's
    cannot_know,
    not_delivered,  // the way ends before the receiver
};
inline constexpr std::array<model::Name<Outcome>, 5> outcome_names{{
    {Outcome::copied_late, "copied-late"},
    {Outcome::copied_silently, "copied-silently"},
    {Outcome::not_copied, "not-copied"},
    {Outcome::cannot_know, "cannot-know"},
    {Outcome::not_delivered, "not-delivered"},
}};
constexpr std::string_view to_string(Outcome v) {
    return model::name_in(outcome_names, v);
}

// How much of the payload a cause copies.
enum class Extent : std::uint8_t {
    all,    // the packets' payload: after that there is nothing left to copy
    most,   // the same of nearly all packets: what is left may find another cause
    clone,  // the payload of a clone; the packet itself goes on with the program's pages
    some,   // a part of the packets
    call,   // the call is refused, and nothing is sent
};
inline constexpr std::array<model::Name<Extent>, 5> extent_names{{
    {Extent::all, "all"},
    {Extent::most, "most"},
    {Extent::clone, "clone"},
    {Extent::some, "some"},
    {Extent::call, "call"},
}};
constexpr std::string_view to_string(Extent v) {
    return model::name_in(extent_names, v);
}

// A cause that will, or may, come about.
struct Expected {
    std::string cause;  // id of docs/causes.json
    bool certain = true;
    Extent extent = Extent::all;
    bool silent = false;  // the program is not told
    std::string where;    // "server0 (veth)"
    Place place;
    std::string why;  // what was seen there
};

struct Prediction {
    Outcome outcome = Outcome::cannot_know;
    bool certain = false;  // of the outcome; of a cannot_know: false
    std::vector<Expected> causes;
    std::vector<Unknown> unknown;
};

// What the program itself decides is among the unknown things of every prediction; it is made for a program that has
// set SO_ZEROCOPY, on a TCP socket whose memory can be pinned.
Prediction predict(const Facts& facts);

// "server0 (veth)"; a device without a kind by its driver.
std::string spell_device(const Device& device);

// A fact about kernels that cannot be asked of the running one, and where it is from.
struct KernelRule {
    std::string_view id;
    KernelVersion since;
    std::string_view source;
};
// Whether the rule holds under that kernel. The id must be one of the table's (an invariant).
bool holds(std::string_view rule, KernelVersion kernel);
const std::vector<KernelRule>& kernel_rules();

}  // namespace netio::predict
