// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "ledger/books.h"
#include "model/capture.h"

// What a finding was concluded from, in lines of text: what --evidence prints. Pure.

namespace netio::explain {

// "client0 (veth)"; empty where the device was not seen.
std::string spell_device(const model::DeviceFacts& device);

// "4 112 384 B in 251 copies by skb_copy_ubufs, which clears the flag, on arrival at client0 (veth): scatter-gather
// on, checksums on, segmentation on"; then the whole call stack, innermost function first.
std::vector<std::string> evidence_of(const ledger::LateGroup& group);

// "10.99.0.1:5001 -> 10.99.0.2:40000 (mptcp): 51 calls, 835 584 B"
std::string evidence_of(const model::SocketFacts& socket, const model::Tally& tally);

}  // namespace netio::explain
