// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace netio::provoke {

// Has the kernel load TLS, which is a module mostly (CONFIG_TLS), so that its functions are there for probes to hang
// on. Errors: ExitCode::privilege where it has none.
Result<void> require_kernel_tls();

// TLS 1.2 with AES-GCM-128 in the kernel (Documentation/networking/tls.rst), with a key that every run shares: of what
// a socket sends, and of what the other end receives. Errors: ExitCode::privilege where the kernel lacks the cipher.
Result<void> encrypt_transmissions(const Fd& socket);
Result<void> decrypt_arrivals(const Fd& socket);

}  // namespace netio::provoke
