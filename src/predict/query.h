// SPDX-License-Identifier: MIT
#pragma once

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "netns/netlink.h"

// Questions to the kernel by rtnetlink(7), with answers that libnl's classes do not know all of.

namespace netio::predict {

using Message = std::unique_ptr<nl_msg, netns::Release<nlmsg_free>>;

// The attributes of a message or of a nest, by type; null where one is missing.
using Attributes = std::vector<nlattr*>;
Attributes attributes_of(nlmsghdr* message, std::size_t header_bytes, int highest);
Attributes attributes_of(nlattr* nest, int highest);

// A question with `header` after the message's own.
template <class Header>
Message question(int type, int flags, const Header& header) {
    Message message(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
    nlmsg_append(message.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO);
    return message;
}

// Hands each answer to `take`. Returns 0, or the errno that the kernel refuses with.
int ask(nl_sock* socket, nl_msg* message, const std::function<void(nlmsghdr*)>& take);

}  // namespace netio::predict
