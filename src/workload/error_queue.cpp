// SPDX-License-Identifier: MIT
#include "workload/error_queue.h"

#include <linux/errqueue.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

namespace netio::workload {
namespace {

// IP_RECVERR and IPV6_RECVERR: tcp(7) sockets use the one of their family, dual-stack ones either.
bool carries_error(const cmsghdr& header) {
    return (header.cmsg_level == SOL_IP && header.cmsg_type == IP_RECVERR) ||
           (header.cmsg_level == SOL_IPV6 && header.cmsg_type == IPV6_RECVERR);
}

// CMSG_NXTHDR takes a pointer to a header that may change, and changes nothing.
cmsghdr* next_header(const msghdr& message, cmsghdr* header) {
    return CMSG_NXTHDR(const_cast<msghdr*>(&message), header);
}

}  // namespace

std::optional<Notification> decode_notification(const msghdr& message) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = next_header(message, header)) {
        if (!carries_error(*header) || header->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) {
            continue;
        }
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(header), sizeof error);
        if (error.ee_origin == SO_EE_ORIGIN_ZEROCOPY && error.ee_errno == 0) {
            return Notification{error.ee_info, error.ee_data, (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0};
        }
    }
    return std::nullopt;
}

Result<std::optional<Notification>> read_notification(int fd) {
    while (true) {
        alignas(cmsghdr) char control[256];
        msghdr message{};
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN) {
                return std::nullopt;
            }
            return fail_errno("cannot read the error queue", errno);
        }
        if (const auto notification = decode_notification(message)) {
            return notification;
        }
    }
}

}  // namespace netio::workload
