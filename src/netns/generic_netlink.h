// SPDX-License-Identifier: MIT
#pragma once

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "netns/netlink.h"

// Netlink messages put together by hand, for what libnl's classes do not know.

namespace netio::netns {

using Message = std::unique_ptr<nl_msg, Release<nlmsg_free>>;

// A request that the kernel acknowledges, with `header` after the message's own.
Message make_request(int type, int flags, const void* header, std::size_t bytes);
// Sends it and waits for the acknowledgement. Returns libnl's code, negative for an error.
int submit(nl_sock* socket, nl_msg* message);

// A family of generic netlink (linux/genetlink.h), whose numbers the kernel gives out at run time.
class GenericFamily {
 public:
    // Errors: ExitCode::privilege where the kernel has no such family, and no module for it.
    static Result<GenericFamily> find(const std::string& name);
    Message request(std::uint8_t command) const;
    // `what` is done by the message: "cannot ..." of the error.
    Result<void> submit(const Message& message, const std::string& what) const;

 private:
    GenericFamily(Socket socket, std::string name, int type)
        : socket_(std::move(socket)), name_(std::move(name)), type_(type) {}
    Socket socket_;
    std::string name_;
    int type_;
};

}  // namespace netio::netns
