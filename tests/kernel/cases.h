// SPDX-License-Identifier: MIT
#pragma once

#include <string>

// What a test program says about each of its cases, in lines that a program can read (TAP), beside doctest's own.

namespace netio::cases {

// Marks the running case as skipped, for a reason that its line will carry; the case returns after that. A feature that
// the kernel lacks is a reason, a failure is none: a case that has failed before stays failed.
void skip(const std::string& reason);

// Whether there were cases, and every one of them was skipped: nothing was tested, which must not look like a success.
bool all_skipped();

}  // namespace netio::cases
