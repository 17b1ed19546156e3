// SPDX-License-Identifier: MIT
#include "predict/query.h"

#include <netlink/socket.h>

#include <algorithm>
#include <cerrno>

namespace netio::predict {

namespace {

struct Answers {
    const std::function<void(nlmsghdr*)>& take;
    int error_number = 0;
};

int note_answer(nl_msg* message, void* answers) {
    static_cast<Answers*>(answers)->take(nlmsg_hdr(message));
    return NL_OK;
}

// libnl's own numbers know few of the kernel's errors.
int note_error(sockaddr_nl* /*from*/, nlmsgerr* error, void* answers) {
    static_cast<Answers*>(answers)->error_number = -error->error;
    return NL_STOP;
}

}  // namespace

Attributes attributes_of(nlmsghdr* message, std::size_t header_bytes, int highest) {
    Attributes found(static_cast<std::size_t>(highest) + 1, nullptr);
    if (nlmsg_parse(message, static_cast<int>(header_bytes), found.data(), highest, nullptr) < 0) {
        std::fill(found.begin(), found.end(), nullptr);
    }
    return found;
}

Attributes attributes_of(nlattr* nest, int highest) {
    Attributes found(static_cast<std::size_t>(highest) + 1, nullptr);
    if (nest == nullptr || nla_parse_nested(found.data(), highest, nest, nullptr) < 0) {
        std::fill(found.begin(), found.end(), nullptr);
    }
    return found;
}

int ask(nl_sock* socket, nl_msg* message, const std::function<void(nlmsghdr*)>& take) {
    Answers answers{take};
    nl_socket_disable_auto_ack(socket);  // an answer is one; what would follow it would be taken for the next one
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, note_answer, &answers);
    nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, note_error, &answers);
    const int sent = nl_send_auto(socket, message);
    const int code = sent < 0 ? sent : nl_recvmsgs_default(socket);
    return code < 0 && answers.error_number == 0 ? EIO : answers.error_number;
}

}  // namespace netio::predict
