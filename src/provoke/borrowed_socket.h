// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace netio::provoke {

// Descriptors of a process's established TCP connections, shared with it (pidfd_getfd(2), Linux 5.6): what is set on
// one is set on the process's own socket. Errors: ExitCode::privilege without CAP_SYS_PTRACE or on an older kernel;
// none of the sockets is a connection.
Result<std::vector<Fd>> borrow_connections(pid_t pid);

// SO_TIMESTAMPING with software transmit time stamps that bring the packet back with its payload (no
// SOF_TIMESTAMPING_OPT_TSONLY).
Result<void> stamp_transmissions(const Fd& socket);
// SO_TIMESTAMPING with a software time stamp, without payload, when the last byte of a call is acknowledged
// (SOF_TIMESTAMPING_TX_ACK).
Result<void> stamp_acknowledgements(const Fd& socket);
// SO_MAX_PACING_RATE: 32 MiB a second, kept by TCP itself (socket(7)).
Result<void> pace_segments(const Fd& socket);
// TCP_MD5SIG (RFC 2385) with the key that both ends of a run share.
Result<void> sign_segments(const Fd& socket);

}  // namespace netio::provoke
