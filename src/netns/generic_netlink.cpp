// SPDX-License-Identifier: MIT
#include "netns/generic_netlink.h"

#include <fmt/format.h>
#include <linux/genetlink.h>
#include <netlink/errno.h>

#include <cerrno>

namespace netio::netns {

namespace {

// All families that are used here have had this version since they came.
constexpr std::uint8_t family_version = 1;

int note_family(nl_msg* message, void* type) {
    const nlattr* id = nlmsg_find_attr(nlmsg_hdr(message), GENL_HDRLEN, CTRL_ATTR_FAMILY_ID);
    if (id != nullptr) {
        *static_cast<int*>(type) = nla_get_u16(id);
    }
    return NL_OK;
}

Result<Socket> open_generic_socket() {
    Socket socket(nl_socket_alloc());
    if (!socket) {
        return fail_errno("cannot open a netlink socket", ENOMEM);
    }
    if (const int code = nl_connect(socket.get(), NETLINK_GENERIC); code < 0) {
        return netlink_error("cannot open a socket of generic netlink", code);
    }
    return socket;
}

}  // namespace

Message make_request(int type, int flags, const void* header, std::size_t bytes) {
    Message message(nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags));
    nlmsg_append(message.get(), const_cast<void*>(header), bytes, NLMSG_ALIGNTO);
    return message;
}

int submit(nl_sock* socket, nl_msg* message) {
    const int sent = nl_send_auto(socket, message);
    return sent < 0 ? sent : nl_wait_for_ack(socket);
}

Result<GenericFamily> GenericFamily::find(const std::string& name) {
    auto socket = open_generic_socket();
    if (!socket) {
        return Unexpected(socket.error());
    }
    int type = 0;
    nl_socket_modify_cb(socket->get(), NL_CB_VALID, NL_CB_CUSTOM, note_family, &type);
    const genlmsghdr header{CTRL_CMD_GETFAMILY, 1, 0};
    const Message message = make_request(GENL_ID_CTRL, 0, &header, sizeof header);
    nla_put_string(message.get(), CTRL_ATTR_FAMILY_NAME, name.c_str());
    const int code = netns::submit(socket->get(), message.get());
    if (code < 0 || type == 0) {
        return netlink_error("cannot find " + name + " in generic netlink", code < 0 ? code : -NLE_OBJ_NOTFOUND, name);
    }
    return GenericFamily(std::move(*socket), name, type);
}

Message GenericFamily::request(std::uint8_t command) const {
    const genlmsghdr header{command, family_version, 0};
    return make_request(type_, 0, &header, sizeof header);
}

Result<void> GenericFamily::submit(const Message& message, const std::string& what) const {
    if (const int code = netns::submit(socket_.get(), message.get()); code < 0) {
        return netlink_error(what, code, name_);
    }
    return {};
}

}  // namespace netio::netns
