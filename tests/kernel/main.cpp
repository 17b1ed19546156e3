// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>

#include "cases.h"

int main(int argc, char** argv) {
    constexpr int skipped = 77;  // as Meson reads it
    if (::geteuid() != 0) {
        std::fputs("kernel tests need root: skipped; try sudo\n", stderr);
        return skipped;
    }
    const int outcome = doctest::Context(argc, argv).run();
    if (outcome == 0 && netio::cases::all_skipped()) {
        std::fputs("every case was skipped: nothing was tested, and that is a failure\n", stderr);
        return 1;
    }
    return outcome;
}
