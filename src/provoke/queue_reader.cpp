// SPDX-License-Identifier: MIT
#include "provoke/queue_reader.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/fd.h"
#include "provoke/longer_packet.h"

namespace netio::provoke {

namespace {

constexpr std::uint32_t waiting_packets = 65536;        // as many as a sender may have under way, in segments
constexpr int receive_buffer_bytes = 64 * 1024 * 1024;  // and their room: what finds none is dropped
constexpr std::uint32_t whole_packet = 0xffff;
constexpr std::size_t longest_message = 128UL * 1024;

constexpr std::uint16_t message_type(nfqnl_msg_types type) {
    return static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | type);
}

nlattr attribute(std::size_t bytes, int type) {
    return {static_cast<std::uint16_t>(NLA_HDRLEN + bytes), static_cast<std::uint16_t>(type)};
}

// A message as it goes to the kernel (linux/netlink.h): its parts lie one after the other at multiples of 4 bytes.
struct Preamble {
    nlmsghdr message;
    nfgenmsg family;
};
Preamble preamble(std::size_t bytes, nfqnl_msg_types type, int flags, std::uint16_t number) {
    Preamble begin{};
    begin.message.nlmsg_len = static_cast<std::uint32_t>(bytes);
    begin.message.nlmsg_type = message_type(type);
    begin.message.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    begin.family = {AF_UNSPEC, NFNETLINK_V0, htons(number)};
    return begin;
}

struct Binding {
    Preamble begin;
    nlattr command_is;
    nfqnl_msg_config_cmd command;
    nlattr parameters_are;
    nfqnl_msg_config_params parameters;
    std::array<std::uint8_t, 3> padding;
    nlattr length_is;
    std::uint32_t length;
    nlattr flags_are;
    std::uint32_t flags;
    nlattr mask_is;
    std::uint32_t mask;
};
static_assert(sizeof(Binding) == 20 + 8 + 12 + 8 + 8 + 8);

struct Verdict {
    Preamble begin;
    nlattr verdict_is;
    nfqnl_msg_verdict_hdr verdict;
};
static_assert(sizeof(Verdict) == 20 + 12);

Binding make_binding(std::uint16_t number, Handling handling) {
    Binding binding{};
    binding.begin = preamble(sizeof binding, NFQNL_MSG_CONFIG, NLM_F_ACK, number);
    binding.command_is = attribute(sizeof binding.command, NFQA_CFG_CMD);
    binding.command = {NFQNL_CFG_CMD_BIND, 0, htons(AF_UNSPEC)};
    binding.parameters_are = attribute(sizeof binding.parameters, NFQA_CFG_PARAMS);
    binding.parameters = {htonl(whole_packet), NFQNL_COPY_PACKET};
    binding.length_is = attribute(sizeof binding.length, NFQA_CFG_QUEUE_MAXLEN);
    binding.length = htonl(waiting_packets);
    binding.flags_are = attribute(sizeof binding.flags, NFQA_CFG_FLAGS);
    binding.flags = htonl(handling == Handling::lengthen ? NFQA_CFG_F_GSO : 0);
    binding.mask_is = attribute(sizeof binding.mask, NFQA_CFG_MASK);
    binding.mask = htonl(NFQA_CFG_F_GSO);
    return binding;
}

// 0 or an errno, by the kernel's acknowledgement.
int bind_queue(int socket, std::uint16_t number, Handling handling) {
    const Binding binding = make_binding(number, handling);
    if (::send(socket, &binding, sizeof binding, 0) < 0) {
        return errno;
    }
    struct {
        nlmsghdr message;
        nlmsgerr answer;
    } reply{};
    const ssize_t got = ::recv(socket, &reply, sizeof reply, 0);
    if (got < 0) {
        return errno;
    }
    return reply.message.nlmsg_type == NLMSG_ERROR ? -reply.answer.error : EPROTO;
}

// Linux tells what its queue is full of by packets that it drops, so there must be room.
int open_queue(Fd& socket, const netns::Namespace& ns, std::uint16_t number, Handling handling) {
    if (!ns.enter()) {
        return EPERM;
    }
    socket.reset(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket.valid()) {
        return errno;
    }
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    return bind_queue(socket.get(), number, handling);
}

// The number of the packet that a message is about, in network byte order; false: it is about none.
bool packet_of(const std::vector<char>& message, std::size_t bytes, std::uint32_t& packet) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(message.data());
    const auto* first = reinterpret_cast<const nlattr*>(message.data() + sizeof(Preamble));
    // nfqnl_build_packet_message puts it first.
    if (bytes < sizeof(Preamble) + sizeof(nlattr) + sizeof(nfqnl_msg_packet_hdr) ||
        header->nlmsg_type != message_type(NFQNL_MSG_PACKET) || first->nla_type != NFQA_PACKET_HDR) {
        return false;
    }
    packet = reinterpret_cast<const nfqnl_msg_packet_hdr*>(first + 1)->packet_id;
    return true;
}

// What the kernel tells of a queued packet, and the packet itself; empty where it is to be cut up by a device.
std::vector<std::uint8_t> whole_packet_in(const std::vector<char>& message, std::size_t bytes) {
    std::vector<std::uint8_t> packet;
    std::uint32_t state = 0;
    std::size_t at = sizeof(Preamble);
    while (at + sizeof(nlattr) <= bytes) {
        nlattr part{};
        std::memcpy(&part, message.data() + at, sizeof part);
        const char* const value = message.data() + at + sizeof part;
        if (part.nla_len < sizeof part || at + part.nla_len > bytes) {
            break;
        }
        if (part.nla_type == NFQA_SKB_INFO && part.nla_len >= sizeof part + sizeof state) {
            std::memcpy(&state, value, sizeof state);
        } else if (part.nla_type == NFQA_PAYLOAD) {
            packet.assign(value, value + part.nla_len - sizeof part);
        }
        at += static_cast<std::size_t>(NLA_ALIGN(part.nla_len));
    }
    return (ntohl(state) & NFQA_SKB_GSO) != 0 ? std::vector<std::uint8_t>() : packet;
}

// The verdict with what the packet is to be replaced by.
std::vector<char> verdict_with(const Verdict& verdict, const std::vector<std::uint8_t>& packet) {
    const nlattr payload_is = attribute(packet.size(), NFQA_PAYLOAD);
    std::vector<char> message(sizeof verdict + sizeof payload_is + packet.size());
    Verdict first = verdict;
    first.begin.message.nlmsg_len = static_cast<std::uint32_t>(message.size());
    std::memcpy(message.data(), &first, sizeof first);
    std::memcpy(message.data() + sizeof first, &payload_is, sizeof payload_is);
    std::copy(packet.begin(), packet.end(), message.begin() + sizeof first + sizeof payload_is);
    return message;
}

void answer(int socket, const Verdict& verdict, const std::vector<char>& message, std::size_t bytes,
            Handling handling) {
    auto packet = handling == Handling::lengthen ? whole_packet_in(message, bytes) : std::vector<std::uint8_t>();
    if (lengthen(packet)) {
        const auto changed = verdict_with(verdict, packet);
        [[maybe_unused]] const ssize_t put = ::send(socket, changed.data(), changed.size(), 0);
    } else {
        [[maybe_unused]] const ssize_t put = ::send(socket, &verdict, sizeof verdict, 0);
    }
}

[[noreturn]] void let_all_pass(int socket, std::uint16_t number, Handling handling) {
    std::vector<char> message(longest_message);
    Verdict verdict{};
    verdict.begin = preamble(sizeof verdict, NFQNL_MSG_VERDICT, 0, number);
    verdict.verdict_is = attribute(sizeof verdict.verdict, NFQA_VERDICT_HDR);
    verdict.verdict.verdict = htonl(NF_ACCEPT);
    while (true) {
        const ssize_t got = ::recv(socket, message.data(), message.size(), 0);
        if (got > 0 && packet_of(message, static_cast<std::size_t>(got), verdict.verdict.id)) {
            answer(socket, verdict, message, static_cast<std::size_t>(got), handling);
        }
    }
}

}  // namespace

Result<Helper> read_queue(const netns::Namespace& ns, std::uint16_t number, Handling handling) {
    Fd socket;  // opened in the child
    return Helper::start(
        "netio-queue", "cannot read packets that a firewall queues (nfnetlink_queue)",
        [&] { return open_queue(socket, ns, number, handling); },
        [&] { let_all_pass(socket.get(), number, handling); });
}

}  // namespace netio::provoke
