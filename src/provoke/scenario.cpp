// SPDX-License-Identifier: MIT
#include "provoke/scenario.h"

#include <algorithm>

#include "base/text.h"
#include "provoke/steps.h"

namespace netio::provoke {

namespace {

// Bound by the workload's pages, a 64 KiB limit lets two calls of 16 KiB be under way.
constexpr std::uint64_t tight_memlock = 65536;

std::vector<Scenario> make_scenarios() {
    return {
        {.id = "not-opted-in",
         .group = 'A',
         .sets_up = "the server passes MSG_ZEROCOPY and never sets SO_ZEROCOPY",
         .must_name = {"not-opted-in"},
         .workload = {.skip_opt_in = true}},
        {.id = "mptcp",
         .group = 'A',
         .sets_up = "both ends use Multipath TCP",
         .must_name = {"mptcp"},
         .workload = {.mptcp = true}},
        {.id = "ktls",
         .group = 'A',
         .sets_up = "TLS in the kernel on the sender's sockets, and on the receiver's to decrypt",
         .must_name = {"ktls"},
         .prepare = load_kernel_tls,
         .connected = encrypt_in_kernel},
        {.id = "optmem-max",
         .group = 'A',
         .sets_up =
             "the server leaves its completions unread, with time stamps between them so that they are not merged, and "
             "net.core.optmem_max is 4096 where each namespace has its own, else small as it comes",
         .must_name = {"optmem-max", "local-delivery"},
         .prepare = shrink_option_memory,
         .connected = keep_notifications_apart,
         .workload = {.late_completions = true}},
        {.id = "memlock",
         .group = 'A',
         .sets_up = "the server runs as an unprivileged user with RLIMIT_MEMLOCK 64 KiB, and its packets leave slowly",
         .must_name = {"memlock", "local-delivery"},
         .connected = pace_transmissions,
         .workload = {.as_nobody = true, .memlock_bytes = tight_memlock}},
        {.id = "unpinnable-memory",
         .group = 'A',
         .sets_up = "the messages lie in memory of memfd_secret(2)",
         .must_name = {"unpinnable-memory"},
         .workload = {.secret_memory = true}},
        {.id = "route-without-scatter-gather",
         .group = 'B',
         .sets_up = "TCP-MD5 on both ends, and a sender's device without scatter-gather",
         .must_name = {"route-without-scatter-gather", "no-scatter-gather"},
         .prepare = switch_gathering_off,
         .connected = sign_both_ends},
        {.id = "fast-open",
         .group = 'B',
         .sets_up = "the sender connects by its first send call, with data in the first packet (MSG_FASTOPEN)",
         .must_name = {"fast-open", "local-delivery"},
         .prepare = allow_fast_open,
         .workload = {.fast_open = true}},
        {.id = "fast-open-connect",
         .group = 'B',
         .sets_up = "the same by connect() with TCP_FASTOPEN_CONNECT, so that only the first packet is copied",
         .must_name = {"fast-open", "local-delivery"},
         .prepare = allow_fast_open,
         .workload = {.fast_open_connect = true}},
        {.id = "sockmap",
         .group = 'B',
         .sets_up = "the sender's sockets are in a map whose BPF program lets every message pass",
         .must_name = {"sockmap"},
         .may_name = {"local-delivery"},  // since Linux 6.5 the copies are taken for pages of the program
         .connected = put_sender_in_sockmap,
         .workload = {.uncounted_completions = true}},
        {.id = "local-delivery", .sets_up = "nothing: both ends are on this machine", .must_name = {"local-delivery"}},
        {.id = "local-delivery-loopback",
         .sets_up = "both ends are in one namespace",
         .must_name = {"local-delivery"},
         .network = join_by_loopback},
        {.id = "local-delivery-macvlan",
         .sets_up = "both ends are macvlan devices on one cable",
         .must_name = {"local-delivery"},
         .network = join_by_macvlan},
        {.id = "local-delivery-ipvlan",
         .sets_up = "both ends are ipvlan devices on one cable",
         .must_name = {"local-delivery"},
         .network = join_by_ipvlan},
        {.id = "packet-tap",
         .sets_up = "a packet socket for all protocols in the sender's namespace",
         .must_name = {"packet-tap", "local-delivery"},
         .prepare = tap_sender},
        {.id = "packet-tap-on-arrival",
         .sets_up = "a packet socket for all protocols in the receiver's namespace",
         .must_name = {"packet-tap-on-arrival"},
         .may_name = {"packet-tap"},  // before Linux 6.15 a tap of any namespace gets the sender's packets
         .prepare = tap_receiver},
        {.id = "packet-tap-loopback",
         .sets_up = "a packet socket for all protocols, and both ends in one namespace",
         .must_name = {"packet-tap", "packet-tap-on-arrival"},
         .network = join_by_loopback,
         .prepare = tap_sender},
        {.id = "tun-tap",
         .sets_up = "two tap devices, and a process that carries the frames between them",
         .must_name = {"tun-tap"},
         .network = join_by_tap_cable},
        {.id = "timestamps-with-payload",
         .sets_up = "transmit time stamps with payload on the sender's sockets",
         .must_name = {"timestamps-with-payload", "local-delivery"},
         .connected = ask_for_timestamps},
        {.id = "no-checksum-offload",
         .sets_up = "the sender's device computes no checksums",
         .must_name = {"no-checksum-offload"},
         .prepare = switch_checksums_off},
        {.id = "generic-xdp",
         .sets_up = "a generic XDP program on the receiver's device",
         .must_name = {"generic-xdp"},
         .prepare = pass_generic_xdp},
        {.id = "bpf-pull",
         .sets_up = "a tc program on the receiver's device that pulls whole packets",
         .must_name = {"bpf-pull"},
         .prepare = pull_incoming},
        {.id = "bpf-pull-sender",
         .sets_up = "a tc program on the sender's device that pulls whole packets",
         .must_name = {"bpf-pull"},
         .prepare = pull_outgoing},
        {.id = "tunnel-without-offload",
         .sets_up = "a VXLAN tunnel through another tunnel, which computes no checksums inside of what it wraps",
         .must_name = {"tunnel-without-offload"},
         .network = vxlan_over_tunnel},
        {.id = "tunnel-without-offload-gre",
         .sets_up = "a GRE tunnel through another tunnel, which computes no checksums inside of what it wraps",
         .must_name = {"tunnel-without-offload"},
         .network = gre_over_tunnel},
        {.id = "fragmented",
         .sets_up = "a router whose way to the receiver takes 1400 bytes, and a sender that lets it cut packets",
         // Before Linux 6.17 the router has copied already; and a short last packet may fit.
         .may_name = {"fragmented", "forwarded-copy", "local-delivery"},
         .network = join_by_narrow_router},
        {.id = "connection-helper",
         .sets_up = "connection tracking at the sender, with the helper for SIP",
         .must_name = {"connection-helper"},
         .prepare = track_at_sender},
        {.id = "firewall-checksum",
         .sets_up = "a firewall rule that fills in checksums, and a cable that takes a message in one packet",
         .must_name = {"firewall-checksum"},
         .may_name = {"local-delivery"},  // packets that are segmented later pass the rule as they are
         .network = join_by_wide_cable,
         .prepare = fill_in_checksums,
         .workload = {.size_bytes = 8192}},
        {.id = "queued-to-process",
         .group = 'D',
         .sets_up = "a firewall rule at the sender that queues every packet to a process, which lets it pass",
         .must_name = {"queued-to-process"},
         .prepare = queue_at_sender},
        {.id = "private-copy",
         .group = 'D',
         .sets_up =
             "a process that gives every packet back longer, for which it is copied whole (skb_copy_expand), on a "
             "cable that takes any in one piece",
         .must_name = {"private-copy"},
         .network = join_by_widest_cable,
         .prepare = lengthen_at_sender,
         .workload = {.size_bytes = 8192}},
        {.id = "netem-corrupt",
         .sets_up = "netem corrupts one packet in 20 at the sender",
         .must_name = {"netem-corrupt", "local-delivery"},
         .prepare = corrupt_packets},
        {.id = "netem-corrupt-private",
         .group = 'D',
         .sets_up = "the same on a cable that takes a message in one packet, which netem copies whole (skb_unshare)",
         .must_name = {"netem-corrupt", "local-delivery"},
         .network = join_by_wide_cable,
         .prepare = corrupt_packets,
         .workload = {.size_bytes = 8192}},
        {.id = "macsec",
         .sets_up = "MACsec devices on a veth pair",
         .must_name = {"macsec"},
         .network = encrypt_by_macsec},
        {.id = "ipsec",
         .sets_up = "IPsec between the two ends, ESP in transport mode",
         .must_name = {"ipsec"},
         .network = encrypt_by_ipsec},
        {.id = "wireguard",
         .group = 'D',
         .sets_up = "WireGuard devices over a veth pair",
         .must_name = {"wireguard"},
         .network = encrypt_by_wireguard},
        {.id = "packet-tap-before-tun",
         .sets_up = "a packet socket in the sender's namespace, and tap devices: two causes at once",
         .must_name = {"packet-tap", "tun-tap"},
         .network = join_by_tap_cable,
         .prepare = tap_sender},
        {.id = "packet-tap-after-checksum",
         .group = 'E',
         .sets_up =
             "a packet socket in the sender's namespace, and a device that computes no checksums: the tap comes last",
         .must_name = {"no-checksum-offload"},
         .prepare = tap_and_no_checksums},
        {.id = "no-scatter-gather",
         .group = 'D',
         .sets_up = "the sender's device takes packets in one piece only",
         .must_name = {"no-scatter-gather"},
         .prepare = switch_gathering_off},
        {.id = "native-xdp",
         .group = 'D',
         .sets_up = "a native XDP program on the receiver's veth device",
         .must_name = {"native-xdp"},
         .prepare = pass_native_xdp},
        {.id = "merged-completions",
         .group = 'D',
         .sets_up = "a tc program pulls every other 128 KiB, the sender's device takes packets in one piece only, and "
                    "the server reads its error queue late",
         .must_name = {"bpf-pull", "no-scatter-gather"},
         .prepare = pull_some_without_gathering,
         .workload = {.late_completions = true, .size_bytes = 4093}},
        {.id = "packet-tap-elsewhere",
         .group = 'E',
         .sets_up = "a packet socket for all protocols in a namespace that no packet passes",
         .must_name = {"local-delivery"},
         .may_name = {"packet-tap"},
         .prepare = tap_elsewhere},
        {.id = "routed",
         .group = 'E',
         .sets_up = "a third namespace forwards between the two ends",
         .may_name = {"local-delivery", "forwarded-copy"},
         .network = join_by_router},
        {.id = "bridged",
         .group = 'E',
         .sets_up = "a bridge in a third namespace joins the two ends",
         .must_name = {"local-delivery"},
         .network = join_by_bridge},
        {.id = "tunnel",
         .group = 'E',
         .sets_up = "a VXLAN tunnel through a veth pair, which takes tunnelled packets as they are",
         .must_name = {"local-delivery"},
         .network = tunnel_over_veth},
        {.id = "tunnel-ipip",
         .group = 'E',
         .sets_up = "an IP-in-IP tunnel through a veth pair, which takes tunnelled packets as they are",
         .must_name = {"local-delivery"},
         .network = ipip_over_veth},
        {.id = "tunnel-gre",
         .group = 'E',
         .sets_up = "a GRE tunnel through a veth pair, which takes tunnelled packets as they are",
         .must_name = {"local-delivery"},
         .network = gre_over_veth},
        {.id = "tunnel-segments",
         .group = 'E',
         .sets_up = "a VXLAN tunnel whose own device does not segment: every segment is wrapped by itself",
         .must_name = {"local-delivery"},
         .network = tunnel_over_veth,
         .prepare = switch_segmentation_off},
        {.id = "no-segmentation-offload",
         .group = 'E',
         .sets_up = "the sender's device does not segment",
         .must_name = {"local-delivery"},
         .prepare = switch_segmentation_off},
        {.id = "lost-packets",
         .group = 'E',
         .sets_up = "one packet in 64 is lost and sent again",
         .must_name = {"local-delivery"},
         .prepare = lose_packets},
        {.id = "mirrored",
         .group = 'E',
         .sets_up = "a tc program sends a clone of every packet out of a second device",
         .must_name = {"local-delivery"},
         .may_name = {"forwarded-copy"},  // before Linux 6.17 a clone is copied where it ends, though nobody wants it
         .prepare = mirror_outgoing},
        {.id = "many-pages",
         .group = 'E',
         .sets_up = "messages of 1 MiB, more pages than a packet has room for",
         .must_name = {"local-delivery"},
         .workload = {.size_bytes = 1048576}},
        {.id = "small-sends",
         .group = 'E',
         .sets_up = "messages of 509 bytes, far below the size where zero-copy pays",
         .must_name = {"local-delivery"},
         .workload = {.size_bytes = 509}},
        {.id = "empty-sends",
         .group = 'E',
         .sets_up = "a zero-copy call without bytes after each message",
         .must_name = {"local-delivery"},
         .workload = {.empty_sends = true}},
    };
}

}  // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = make_scenarios();
    return all;
}

Result<const Scenario*> find_scenario(std::string_view id) {
    std::vector<std::string_view> words;
    for (const Scenario& scenario : scenarios()) {
        if (scenario.id == id) {
            return &scenario;
        }
        words.push_back(scenario.id);
    }
    const std::string near = nearest(std::string(id), words);
    return fail("--provoke " + std::string(id), "there is no such scenario; `--provoke help` lists them",
                near.empty() ? "--provoke help" : "--provoke " + near, ExitCode::usage);
}

const Scenario* scenario_for(std::string_view cause) {
    const auto& all = scenarios();
    const auto same = std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return s.id == cause; });
    if (same != all.end()) {
        return &*same;
    }
    const auto shows = std::find_if(all.begin(), all.end(), [&](const Scenario& s) {
        return std::find(s.must_name.begin(), s.must_name.end(), cause) != s.must_name.end();
    });
    return shows == all.end() ? nullptr : &*shows;
}

Error cannot_provoke(const Scenario& scenario, const Error& error) {
    if (error.code != ExitCode::privilege) {
        return error;
    }
    return {"this kernel cannot provoke " + std::string(scenario.id), error.what + ": " + error.why, error.advice,
            ExitCode::privilege};
}

}  // namespace netio::provoke
