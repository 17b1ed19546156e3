// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <system_error>

#include <tl/expected.hpp>

namespace netio {

// What the process exits with; one meaning each, the same in every command.
enum class ExitCode : int {
    ok = 0,             // measured
    usage = 2,          // bad input
    privilege = 3,      // privilege or kernel feature missing
    incomplete = 4,     // the data are incomplete
    interrupted = 130,  // SIGINT came before anything was measured: 128 + its number, as shells have it
    terminated = 143,   // the same of SIGTERM
};

// An error as a user reads it: what failed, the kernel's word for why, the one thing to try.
struct Error {
    std::string what;
    std::string why;
    std::string advice;
    ExitCode code = ExitCode::incomplete;
};

template <class T>
using Result = tl::expected<T, Error>;

using Unexpected = tl::unexpected<Error>;

inline Unexpected fail(std::string what, std::string why = {}, std::string advice = {},
                       ExitCode code = ExitCode::incomplete) {
    return Unexpected{Error{std::move(what), std::move(why), std::move(advice), code}};
}

// `error_number` as the kernel names it: "Operation not permitted (EPERM)".
std::string errno_text(int error_number);

// The error for a system call that set errno.
inline Unexpected fail_errno(std::string what, int error_number, std::string advice = {},
                             ExitCode code = ExitCode::incomplete) {
    return fail(std::move(what), errno_text(error_number), std::move(advice), code);
}

// One line for a terminal: "what: why; try: advice".
std::string describe(const Error& error);

}  // namespace netio
