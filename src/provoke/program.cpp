// SPDX-License-Identifier: MIT
#include "provoke/program.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace netio::provoke {

namespace {

// The instruction set is described in Documentation/bpf/standardization/instruction-set.rst.
bpf_insn set_register(std::uint8_t target, std::int32_t value) {
    return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = static_cast<__u8>(target & 15), .imm = value};
}
bpf_insn call(std::int32_t helper) {
    return {.code = BPF_JMP | BPF_CALL, .imm = helper};
}
bpf_insn leave() {
    return {.code = BPF_JMP | BPF_EXIT};
}
bpf_insn load_word(std::uint8_t target, std::uint8_t base, std::int16_t offset) {
    return {.code = BPF_LDX | BPF_MEM | BPF_W,
            .dst_reg = static_cast<__u8>(target & 15),
            .src_reg = static_cast<__u8>(base & 15),
            .off = offset};
}

int bpf(bpf_cmd command, bpf_attr& attributes) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* object) {
    return reinterpret_cast<std::uintptr_t>(object);
}

}  // namespace

std::vector<bpf_insn> pass_every_packet() {
    return {set_register(BPF_REG_0, XDP_PASS), leave()};
}

std::vector<bpf_insn> pull_whole_packet() {
    return {load_word(BPF_REG_2, BPF_REG_1, offsetof(__sk_buff, len)), call(BPF_FUNC_skb_pull_data),
            set_register(BPF_REG_0, TC_ACT_OK), leave()};
}

std::vector<bpf_insn> pull_every_other_stretch(std::uint32_t stretch_bytes) {
    // Of a packet with Ethernet's and IPv4's headers without options. The load is of the network's byte order.
    constexpr std::int32_t sequence_number = ETH_HLEN + sizeof(iphdr) + offsetof(tcphdr, seq);
    return {
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1},
        {.code = BPF_LD | BPF_ABS, .imm = sequence_number},  // a word: BPF_W is 0
        {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_0, .imm = static_cast<std::int32_t>(stretch_bytes)},
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 3, .imm = 0},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_6},
        load_word(BPF_REG_2, BPF_REG_1, offsetof(__sk_buff, len)),
        call(BPF_FUNC_skb_pull_data),
        set_register(BPF_REG_0, TC_ACT_OK),
        leave()};
}

std::vector<bpf_insn> drop_some_packets(std::uint32_t out_of) {
    return {call(BPF_FUNC_get_prandom_u32),
            {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = BPF_REG_0, .imm = static_cast<std::int32_t>(out_of - 1)},
            {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_0, .off = 2, .imm = 0},
            set_register(BPF_REG_0, TC_ACT_SHOT),
            leave(),
            set_register(BPF_REG_0, TC_ACT_OK),
            leave()};
}

std::vector<bpf_insn> mirror_to(std::uint32_t ifindex) {
    return {set_register(BPF_REG_2, static_cast<std::int32_t>(ifindex)), set_register(BPF_REG_3, 0),
            call(BPF_FUNC_clone_redirect), set_register(BPF_REG_0, TC_ACT_OK), leave()};
}

std::vector<bpf_insn> pass_every_message() {
    return {set_register(BPF_REG_0, SK_PASS), leave()};
}

Result<Fd> load_program(bpf_prog_type type, const std::string& name, std::span<const bpf_insn> instructions) {
    // Some helpers are for programs under the GPL only; these instructions are offered under both licences.
    static constexpr char license[] = "GPL";
    bpf_attr attributes{};
    attributes.prog_type = type;
    attributes.insns = address_of(instructions.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(instructions.size());
    attributes.license = address_of(license);
    name.copy(static_cast<char*>(attributes.prog_name), BPF_OBJ_NAME_LEN - 1);
    Fd program(bpf(BPF_PROG_LOAD, attributes));
    if (!program.valid()) {
        return fail_errno("cannot load the BPF program " + name, errno, "run it as root (sudo)", ExitCode::privilege);
    }
    return program;
}

Result<Fd> attach_xdp(const netns::Namespace& ns, const std::string& device, int program, std::uint32_t flags) {
    Fd link;
    auto attached = ns.run([&]() -> Result<void> {
        bpf_attr attributes{};
        attributes.link_create.prog_fd = static_cast<std::uint32_t>(program);
        attributes.link_create.target_ifindex = ::if_nametoindex(device.c_str());
        attributes.link_create.attach_type = BPF_XDP;
        attributes.link_create.flags = flags;
        link.reset(bpf(BPF_LINK_CREATE, attributes));
        if (!link.valid()) {
            return fail_errno("cannot attach an XDP program to " + device, errno, "a kernel with CONFIG_XDP_SOCKETS",
                              ExitCode::privilege);
        }
        return {};
    });
    if (!attached) {
        return Unexpected(attached.error());
    }
    return link;
}

Result<Fd> put_in_sockmap(const std::vector<Fd>& connections, int program) {
    const auto refused = [](const char* what) {
        return fail_errno(what, errno, "a kernel with CONFIG_NET_SOCK_MSG", ExitCode::privilege);
    };
    bpf_attr made{};
    made.map_type = BPF_MAP_TYPE_SOCKMAP;
    made.key_size = sizeof(std::uint32_t);
    made.value_size = sizeof(std::uint32_t);
    made.max_entries = static_cast<std::uint32_t>(connections.size());
    Fd map(bpf(BPF_MAP_CREATE, made));
    if (!map.valid()) {
        return refused("cannot make a map of sockets");
    }
    // The program first: what it wants decides how the sockets are served that come into the map.
    bpf_attr attached{};
    attached.target_fd = static_cast<std::uint32_t>(map.get());
    attached.attach_bpf_fd = static_cast<std::uint32_t>(program);
    attached.attach_type = BPF_SK_MSG_VERDICT;
    if (bpf(BPF_PROG_ATTACH, attached) != 0) {
        return refused("cannot attach a program to a map of sockets");
    }
    for (std::uint32_t index = 0; index < connections.size(); ++index) {
        const auto socket = static_cast<std::uint32_t>(connections[index].get());
        bpf_attr entry{};
        entry.map_fd = static_cast<std::uint32_t>(map.get());
        entry.key = address_of(&index);
        entry.value = address_of(&socket);
        if (bpf(BPF_MAP_UPDATE_ELEM, entry) != 0) {
            return refused("cannot put a socket into a map");
        }
    }
    return map;
}

}  // namespace netio::provoke
