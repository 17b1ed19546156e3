// SPDX-License-Identifier: MIT
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "netns/netns.h"

// The few BPF programs that bring causes about: two to six instructions each, loaded by bpf(2) itself. They stand for
// what a load balancer, a mesh or a firewall attaches on a real machine.

namespace netio::provoke {

// XDP: lets every packet pass.
std::vector<bpf_insn> pass_every_packet();
// Traffic control: pulls the whole payload into the linear area, as a program does that wants to look at all of it.
std::vector<bpf_insn> pull_whole_packet();
// Traffic control: the same for packets that begin in every other stretch of the TCP stream, by their sequence number:
// a packet that is sent again is treated as it was before. `stretch_bytes`: a power of 2.
std::vector<bpf_insn> pull_every_other_stretch(std::uint32_t stretch_bytes);
// Traffic control: drops one packet in `out_of` (a power of 2), at random.
std::vector<bpf_insn> drop_some_packets(std::uint32_t out_of);
// Traffic control: sends a clone of every packet out of another device of the same namespace.
std::vector<bpf_insn> mirror_to(std::uint32_t ifindex);

// sk_msg: lets every message pass (BPF_PROG_TYPE_SK_MSG).
std::vector<bpf_insn> pass_every_message();

// Loads a program. `type`: enum bpf_prog_type. Errors: ExitCode::privilege where the kernel refuses programs of the
// type.
Result<Fd> load_program(bpf_prog_type type, const std::string& name, std::span<const bpf_insn> instructions);

// Attaches an XDP program to a device for as long as the result is open. `flags`: XDP_FLAGS_SKB_MODE (generic) or
// XDP_FLAGS_DRV_MODE (native), linux/if_link.h. Since Linux 5.9.
Result<Fd> attach_xdp(const netns::Namespace& ns, const std::string& device, int program, std::uint32_t flags);

// Puts connections into a map whose program gets what is sent on them before TCP does (BPF_MAP_TYPE_SOCKMAP), for as
// long as the result is open. Errors: ExitCode::privilege where the kernel has no such maps.
Result<Fd> put_in_sockmap(const std::vector<Fd>& connections, int program);

}  // namespace netio::provoke
