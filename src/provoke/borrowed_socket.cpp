// SPDX-License-Identifier: MIT
#include "provoke/borrowed_socket.h"

#include <dirent.h>
#include <fmt/format.h>
#include <linux/net_tstamp.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace netio::provoke {

namespace {

std::vector<int> descriptors_of(pid_t pid) {
    std::vector<int> numbers;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(fmt::format("/proc/{}/fd", pid).c_str()), ::closedir);
    while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
        const std::string name = static_cast<const char*>(entry->d_name);
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            numbers.push_back(std::stoi(name));
        }
    }
    return numbers;
}

bool is_connection(const Fd& socket) {
    int domain = 0;
    socklen_t size = sizeof domain;
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof peer;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           (domain == AF_INET || domain == AF_INET6) &&
           ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0;
}

Unexpected refused(const char* option) {
    return fail_errno(std::string("cannot set ") + option + " on the sender's socket", errno, {}, ExitCode::privilege);
}

Result<void> ask_for_stamps(const Fd& socket, int wishes) {
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPING, &wishes, sizeof wishes) != 0) {
        return refused("SO_TIMESTAMPING");
    }
    return {};
}

}  // namespace

Result<std::vector<Fd>> borrow_connections(pid_t pid) {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process.valid()) {
        return fail_errno("cannot reach into a process of the run", errno, {}, ExitCode::privilege);
    }
    std::vector<Fd> connections;
    for (const int number : descriptors_of(pid)) {
        Fd shared(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
        if (!shared.valid() && errno != EBADF) {
            return fail_errno("cannot borrow a socket of the run", errno, "Linux 5.6 or newer, as root",
                              ExitCode::privilege);
        }
        if (shared.valid() && is_connection(shared)) {
            connections.push_back(std::move(shared));
        }
    }
    if (connections.empty()) {
        return fail(fmt::format("process {} has no connection", pid));
    }
    return connections;
}

Result<void> stamp_transmissions(const Fd& socket) {
    return ask_for_stamps(socket, SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
}

Result<void> stamp_acknowledgements(const Fd& socket) {
    return ask_for_stamps(socket, SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY);
}

Result<void> pace_segments(const Fd& socket) {
    const std::uint32_t bytes_a_second = 32U << 20;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &bytes_a_second, sizeof bytes_a_second) != 0) {
        return refused("SO_MAX_PACING_RATE");
    }
    return {};
}

Result<void> sign_segments(const Fd& socket) {
    tcp_md5sig signature{};
    socklen_t size = sizeof(sockaddr_storage);
    sockaddr_storage peer{};
    if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
        return refused("TCP_MD5SIG");
    }
    std::memcpy(&signature.tcpm_addr, &peer, sizeof peer);
    constexpr std::string_view key = "netio-trace";
    signature.tcpm_keylen = key.size();
    std::memcpy(static_cast<void*>(signature.tcpm_key), key.data(), key.size());
    if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_MD5SIG, &signature, sizeof signature) != 0) {
        return refused("TCP_MD5SIG");
    }
    return {};
}

}  // namespace netio::provoke
