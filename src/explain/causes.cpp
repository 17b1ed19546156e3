// SPDX-License-Identifier: MIT
#include "explain/causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "base/text.h"
#include "model/json.h"

namespace netio::explain {

extern const std::string_view causes_json;  // generated from docs/causes.json

Result<std::vector<Cause>> parse_causes(std::string_view json_text) {
    const auto json = model::Json::parse(json_text, nullptr, false);
    if (json.is_discarded() || !json.is_object() || !json.contains("causes") || !json["causes"].is_array()) {
        return fail("the table of causes cannot be read", "it is not an object with an array \"causes\"");
    }
    std::vector<Cause> rows;
    for (const auto& row : json["causes"]) {
        Cause cause;
        const std::pair<const char*, std::string*> fields[] = {
            {"id", &cause.id},
            {"class", &cause.group},
            {"title", &cause.title},
            {"meaning", &cause.meaning},
            {"kernel", &cause.kernel},
            {"versions", &cause.versions},
            {"program_sees", &cause.program_sees},
            {"evidence", &cause.evidence},
            {"remedy", &cause.remedy},
            {"provoke", &cause.provoke},
        };
        for (const auto& [key, field] : fields) {
            if (!row.contains(key) || !row[key].is_string()) {
                return fail(fmt::format("cause {} of the table has no text \"{}\"", rows.size() + 1, key));
            }
            *field = row[key].get<std::string>();
        }
        for (const auto& rule : row.value("rules", model::Json::array())) {
            auto parsed = parse_rule(rule);
            if (!parsed) {
                return fail(fmt::format("cause {} of the table: {}", cause.id, parsed.error().what));
            }
            cause.rules.push_back(std::move(*parsed));
        }
        rows.push_back(std::move(cause));
    }
    return rows;
}

const std::vector<Cause>& causes() {
    static const std::vector<Cause> rows = [] {
        auto parsed = parse_causes(causes_json);
        if (!parsed) {
            throw std::logic_error(describe(parsed.error()));
        }
        return std::move(*parsed);
    }();
    return rows;
}

const Cause& cause(std::string_view id) {
    const auto& rows = causes();
    const auto found = std::find_if(rows.begin(), rows.end(), [id](const Cause& row) { return row.id == id; });
    if (found == rows.end()) {
        throw std::logic_error("no cause " + std::string(id));
    }
    return *found;
}

Result<const Cause*> find_cause(std::string_view id) {
    std::vector<std::string_view> words;
    for (const Cause& row : causes()) {
        if (row.id == id) {
            return &row;
        }
        words.push_back(row.id);
    }
    const std::string near = nearest(std::string(id), words);
    return fail(fmt::format("cause {}", id), "there is no such cause; `netio-trace causes` lists them",
                "netio-trace explain " + (near.empty() ? causes().front().id : near), ExitCode::usage);
}

namespace {

struct Class {
    std::string_view letter;
    std::string_view title;
    std::string_view text;
};
constexpr std::array<Class, 5> classes{{
    {"A", "Refused or ignored in the call",
     "No page is pinned. The call fails, or takes the bytes as any send does. Check the results of setsockopt and "
     "send,\n"
     "and count your completions: a program that reads its error queue and finds none is in this class, or behind a\n"
     "sockmap (class B)."},
    {"B", "Copied during the call",
     "The flag was allowed, and the call itself copied all the same: because the route cannot carry pages, because "
     "the\n"
     "connection was only being opened, or because somebody stands before TCP and takes copies."},
    {"C", "Copied later, and flagged",
     "The pages were pinned, and something on the packet's way needed bytes of its own. The completion is "
     "flagged,\n"
     "whatever the reason: only the call stack above the copy tells one from the other. Note that a tap or a time "
     "stamp\n"
     "copies a *clone*: the completion is flagged, and the wire still got the user's pages."},
    {"D", "Copied, and the program is told \"zero-copy\"",
     "The copy is made by a function that builds new packets and frees the old one as if it had been sent. The\n"
     "program cannot tell from its completions, most or all of which are not flagged; a tracer can."},
    {"-", "Not known", "What no rule knows is never guessed at."},
}};

std::string row_of_page(const Cause& row) {
    return fmt::format(
        "\n### {}\n\n**{}**: {}.\n\n- In the kernel: {}\n- Linux: {}\n- The program sees: {}\n- Evidence: {}\n"
        "- What to do: {}\n- To see it: {}\n",
        row.id, row.title, row.meaning, row.kernel, row.versions, row.program_sees, row.evidence, row.remedy,
        row.provoke);
}

constexpr std::string_view introduction = R"(# Why a zero-copy send was copied

<!-- Generated from causes.json by `netio-trace causes --markdown`; a test compares them. -->

`MSG_ZEROCOPY` is a wish. The kernel pins the pages of a send instead of copying them, and from then on every
function on the packet's way may still decide that it needs the bytes for itself: because the program could change
them under its hands, because a device takes them in one piece only, or because they are about to be given to
somebody else. This page lists who does that, how it is recognised, and what helps.

Four words are used throughout. A **completion** is the message that a zero-copy call may reuse its buffer: read it with
`recvmsg(fd, &msg, MSG_ERRQUEUE)`, as a `struct sock_extended_err` of origin `SO_EE_ORIGIN_ZEROCOPY` for the calls number
`ee_info` to `ee_data`. It is **flagged** when its `ee_code` has `SO_EE_CODE_ZEROCOPY_COPIED`, which should mean that the
kernel copied after all. A **clone** is a second packet that refers to the same bytes. **One-copy** is the same `sendmsg`
without `MSG_ZEROCOPY`. "Linux:" says in which versions the code is as described.

Three things are worth knowing before the list:

1. **The completion is not the truth.** It is flagged when only a clone was copied; and one that is not flagged does not
   prove that nothing was copied, for the functions of class D do not report what they copy. The kernel also merges
   completions that wait to be read, and keeps the flag of the first one only: `--provoke merged-completions`.
2. **The cause is the caller.** Nearly all flagged copies are made by two functions, skb_copy_ubufs and
   __pskb_pull_tail. What called them is the cause, so the evidence is a call stack.
3. **Two ends on one machine always copy**, whether it is loopback, veth or a container. A receiving socket may not hold
   the sender's pages. To see what your network does, measure between two machines; to see what a cause does, provoke it:
   `sudo netio-trace --provoke packet-tap`, and `sudo netio-trace causes --prove` for all of them.

Each cause is concluded from evidence only, and named in the reports of netio-trace by the id below. `netio-trace explain
CAUSE` prints one of them.

## From what you see to the cause

| what the program sees | causes |
| --- | --- |
| `setsockopt(SO_ZEROCOPY)` fails | mptcp |
| the send fails with `ENOBUFS` | optmem-max, memlock |
| the send fails with `EOPNOTSUPP` | ktls |
| the send fails with `EFAULT` | unpinnable-memory |
| no completion ever comes | not-opted-in, mptcp; sockmap before Linux 6.5; or nobody reads the error queue |
| completions are flagged, the peer is on this machine | local-delivery, packet-tap-on-arrival, forwarded-copy |
| completions are flagged, the peer is elsewhere | packet-tap, no-checksum-offload, route-without-scatter-gather, fast-open, timestamps-with-payload, tun-tap, tunnel-without-offload, ipsec, macsec, netem-corrupt, fragmented, connection-helper, firewall-checksum, generic-xdp, bpf-pull |
| no completion is flagged, or few are, and yet bytes are copied | no-scatter-gather, wireguard, queued-to-process, native-xdp, bounce-buffer, private-copy, sockmap since Linux 6.5 |
| nothing is copied, and it is slow | small messages: class E |

Flagged completions look alike, so ask the kernel who copies. Before you send: `netio-trace doctor --to ADDRESS` names what
lies on the way. For a program of your own while it runs, where bpftrace is at hand, the functions above the copy are the
evidence of the rows below:

```sh
sudo bpftrace -e 'kprobe:skb_copy_ubufs, kprobe:__pskb_pull_tail { @[comm, kstack(12)] = count(); }'
```
)";

constexpr std::string_view look_alikes = R"(
## Class E: looks like a copy, and is none

Segmentation by the kernel instead of the NIC, retransmission, mirroring, a bridge, a tunnel over a device that takes
tunnelled packets, messages of many pages, small messages: packets are cut, cloned or wrapped, and the pages are referred
to, not copied. `netio-trace causes --prove` provokes these as well, and shows that nothing but the delivery on this
machine copies.

Small messages are slow for another reason: pages are pinned and completions made and read for each call, whatever its
size, and a copy of some hundred bytes costs less than that. `netio-trace --compare one-copy,zerocopy --sizes 4K,16K,64K`
finds the size from which zero-copy pays on your machine.
)";

}  // namespace

std::string causes_page() {
    std::string page(introduction);
    for (const Class& group : classes) {
        page += group.letter == "-" ? look_alikes : std::string_view{};
        page += fmt::format("\n## Class {}: {}\n\n{}\n", group.letter, group.title, group.text);
        for (const Cause& row : causes()) {
            page += row.group == group.letter ? row_of_page(row) : "";
        }
    }
    return page;
}

}  // namespace netio::explain
