// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/books.h"
#include "model/json.h"

namespace netio::explain {

// A pattern of evidence, from the key "rules" of a row of docs/causes.json. All conditions that are given must hold;
// where a list is given, one of its words. Rows and rules are tried in the order of the file: what is more specific
// stands first.
struct Rule {
    // Of a late copy.
    std::vector<std::string> function;     // that copied
    std::vector<std::string> caller;       // that called it
    std::vector<std::string> stack;        // anywhere on the call stack
    std::vector<std::string> and_stack;    // as well
    std::vector<std::string> device_kind;  // "veth", "macsec"
    std::optional<bool> scatter_gather;    // the device's feature; a device that is not known has none
    std::optional<bool> device_known;
    std::optional<bool> leaving;              // on the packet's way out
    std::optional<bool> delivered_elsewhere;  // another copy of the run was made for local delivery, in the
                                              // function that newer kernels deliver in
    std::optional<bool> receiver_tapped;      // a packet tap listens in the receiver's namespace
    std::optional<bool> device_between;       // the device is in neither end's namespace
    // Of a refusal.
    std::string site;        // where send calls are counted: "send-not-opted-in"
    std::int32_t error = 0;  // errno of a send call
    std::string limit;       // that was used up: "optmem_max", "memlock"
    std::string protocol;    // of the socket; with an errno both must hold
};

// What is known of the run besides the copy itself.
struct Scene {
    bool receiver_tapped = false;
    std::vector<std::uint64_t> end_namespaces;  // inodes of the network namespaces of both ends; empty: not known
};

// Errors name the key that is not known or has no such value.
Result<Rule> parse_rule(const model::Json& json);

bool matches(const Rule& rule, const ledger::LateGroup& group, const std::vector<ledger::LateGroup>& others,
             const Scene& scene);

}  // namespace netio::explain
