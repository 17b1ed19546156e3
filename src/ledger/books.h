// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/capture.h"
#include "model/report.h"

// Folds the facts of a capture into accounts that balance. Pure.

namespace netio::ledger {

// What a copying function does to the zerocopy bit that the program is shown.
enum class Telling : std::uint8_t {
    flagged,  // clears the bit of the packet that goes on: the program is told "copied"
    clone,    // clears it for a clone (a tap's): told "copied", although the packet itself keeps the user pages
    silent,   // the program is told "zero-copy"
    unknown,  // the call stack was lost: whether the flag was set cannot be told
    kernel,   // the packet carried no user pages: a further copy of bytes that the send call had copied already
};

// Late copies by one function, for one caller, on one device.
struct LateGroup {
    std::string function;  // "skb_copy_ubufs"; empty: the stack was lost
    std::string caller;    // "ip_local_deliver_finish"; empty: unknown
    model::DeviceFacts device;
    model::Direction direction = model::Direction::unknown;
    Telling telling = Telling::silent;
    std::uint64_t copies = 0;
    std::uint64_t bytes = 0;
    std::vector<std::string> stack;
    std::vector<std::uint32_t> slots;  // of the sockets concerned, ascending
};

struct Books {
    model::Ledger ledger;         // without accounts for the late copies, whose names need their causes
    std::vector<LateGroup> late;  // by bytes, largest first
};

// Whether the copy was made on the packet's way out. Probes on functions do not see the direction; the stack shows it.
bool is_leaving(const LateGroup& group);

// Sum over the late copies of that telling.
std::uint64_t bytes_by(const Books& books, Telling telling);

Books close_books(const model::Capture& capture);

// Sum of a site over the sockets of one end.
model::Tally total(const model::Capture& capture, model::Role role, model::Site site);

// Whether the probe of that id is attached; else the reason in words, for a figure that is missing.
bool attached(const model::Capture& capture, std::string_view probe);
std::string why_missing(const model::Capture& capture, std::string_view probe);

// Whether the run was asked not to trace: what is missing then is not amiss.
bool is_untraced(const model::Spec& spec);

// The account of what receive calls copied.
inline constexpr std::string_view received_account = "received.copied";

// Whether an account is of what happened on the way out of the kernel, to the receiver.
inline bool is_of_receiver(const model::Account& account) {
    return account.id.starts_with("received.");
}

// The account of a group of late copies, named after its cause.
model::Account late_account(const std::string& cause, const std::vector<const LateGroup*>& groups,
                            const model::Figure<std::uint64_t>& payload_bytes);

}  // namespace netio::ledger
