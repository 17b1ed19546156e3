// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
    constexpr int skipped = 77;  // as Meson reads it
    if (::geteuid() != 0) {
        std::fputs("kernel tests need root: skipped; try sudo\n", stderr);
        return skipped;
    }
    return doctest::Context(argc, argv).run();
}
