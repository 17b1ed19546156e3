// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/capture.h"
#include "model/report.h"

// Protocols that stand before TCP and serve a program's calls in functions of their own: what these take is copied
// there, and what TCP gets from them is memory of the kernel's.

namespace netio::ledger {

// Why the calls of sockets with such a protocol were not seen, by the probe "send-call" of the server's or
// "receive-call" of the client's: no program hangs on the functions that serve them. Empty where they were, and where
// there are none.
std::string why_unseen(const model::Capture& capture, std::string_view probe);

// Where ordinary send calls of the server were copied: by TCP, or by what stands before it.
std::string where_copied(const model::Capture& capture);

// Bytes that kTLS decrypted right into the client's memory. What it decrypted into a packet was copied from there.
std::uint64_t decrypted_to_user(const model::Capture& capture);

// The account of what kTLS decrypted for the client; none where it did not.
std::optional<model::Account> decryption_account(const model::Capture& capture,
                                                 const model::Figure<std::uint64_t>& payload_bytes);

}  // namespace netio::ledger
