// SPDX-License-Identifier: MIT
#pragma once

#include "provoke/scenario.h"

// The steps that scenarios are made of.

namespace netio::provoke {

// Before the processes start.
// net.core.optmem_max of the sender's namespace; where there is one for all of them (before Linux 6.9) it is left as it
// is, and an error when it is large.
Result<void> shrink_option_memory(Stage& stage);
Result<void> allow_fast_open(Stage& stage);          // net.ipv4.tcp_fastopen of both ends, without cookies
Result<void> switch_gathering_off(Stage& stage);     // scatter-gather of the sender's device
Result<void> switch_checksums_off(Stage& stage);     // transmit checksums of the sender's device
Result<void> switch_segmentation_off(Stage& stage);  // TSO of the sender's device
Result<void> tap_sender(Stage& stage);               // a packet tap in the sender's namespace
Result<void> tap_receiver(Stage& stage);             // ... in the receiver's
Result<void> tap_elsewhere(Stage& stage);            // ... in a namespace that no packet passes
Result<void> pass_generic_xdp(Stage& stage);         // an XDP program before the receiver's stack
Result<void> pass_native_xdp(Stage& stage);          // the same in the receiver's driver
Result<void> pull_outgoing(Stage& stage);            // a filter that pulls the payload, at the sender
Result<void> pull_incoming(Stage& stage);            // ... at the receiver
Result<void> lose_packets(Stage& stage);             // a filter at the receiver that drops one packet in 64
Result<void> mirror_outgoing(Stage& stage);          // a clone of each packet out of a second device
Result<void> corrupt_packets(Stage& stage);          // netem at the sender
Result<void> track_at_sender(Stage& stage);          // connection tracking with a helper for SIP, at the sender
Result<void> fill_in_checksums(Stage& stage);        // a firewall rule at the sender
Result<void> queue_at_sender(Stage& stage);          // another one, and the process that it gives packets to
Result<void> lengthen_at_sender(Stage& stage);       // the same by a process that gives packets back longer
Result<void> tap_and_no_checksums(Stage& stage);     // two causes at once
Result<void> load_kernel_tls(Stage& stage);          // before probes are attached to its functions
// Pulls the payload of some packets at the sender, which sets the flag of their sends; segmentation copies that of the
// others, and sets no flag.
Result<void> pull_some_without_gathering(Stage& stage);

// Once they are connected.
Result<void> ask_for_timestamps(Stage& stage);  // transmit time stamps with payload on the sender's sockets
// Time stamps without payload on the sender's sockets, one for each call when it is acknowledged: the kernel merges
// notifications that follow each other in the error queue, and these stand between them.
Result<void> keep_notifications_apart(Stage& stage);
Result<void> pace_transmissions(Stage& stage);     // the sender's packets leave slowly, and its pages stay pinned
Result<void> sign_both_ends(Stage& stage);         // TCP-MD5 on all sockets of the run
Result<void> encrypt_in_kernel(Stage& stage);      // kTLS: the sender's sockets encrypt, the receiver's decrypt
Result<void> put_sender_in_sockmap(Stage& stage);  // a program gets what the sender's sockets send

}  // namespace netio::provoke
