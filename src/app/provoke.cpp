// SPDX-License-Identifier: MIT
#include "app/provoke.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "netns/device.h"

namespace netio::app {

namespace {

// Runs in the child: reports 0 or an errno through the pipe, then sleeps until it is killed.
[[noreturn]] void hold_tap(const netns::Namespace& ns, int report, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, "netio-tap");
    ::setpgid(0, 0);
    int error = 0;
    const auto entered = ns.enter();
    if (!entered || ::getppid() != parent) {
        error = EPERM;
    } else if (::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)) < 0) {
        error = errno;
    }
    [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof(error));
    ::close(report);
    while (error == 0) {
        ::pause();
    }
    ::_exit(1);
}

}  // namespace

Result<PacketTap> PacketTap::open(const netns::Namespace& ns) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail_errno("cannot make a pipe", errno);
    }
    Fd reader(ends[0]);
    Fd writer(ends[1]);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return fail_errno("cannot start the packet tap", errno);
    }
    if (pid == 0) {
        hold_tap(ns, writer.get(), parent);
    }
    PacketTap tap(pid);
    writer.reset();
    int error = EPIPE;
    if (::read(reader.get(), &error, sizeof(error)) != sizeof(error) || error != 0) {
        return fail_errno("cannot open a packet socket in the sender's namespace", error, "it needs CAP_NET_RAW: sudo",
                          ExitCode::privilege);
    }
    return tap;
}

PacketTap::~PacketTap() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

Result<Provoked> provoke(model::Provocation cause, const Network& network) {
    Provoked provoked;
    switch (cause) {
        case model::Provocation::none:
            break;
        case model::Provocation::not_opted_in:
            provoked.skip_opt_in = true;
            break;
        case model::Provocation::no_scatter_gather: {
            auto off = netns::set_offload(network.server, network.server_device, netns::Offload::scatter_gather, false);
            if (!off) {
                return tl::make_unexpected(off.error());
            }
            break;
        }
        case model::Provocation::packet_tap: {
            auto tap = PacketTap::open(network.server);
            if (!tap) {
                return tl::make_unexpected(tap.error());
            }
            provoked.tap.emplace(std::move(*tap));
            break;
        }
    }
    return provoked;
}

}  // namespace netio::app
