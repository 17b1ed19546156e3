// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "netns/device.h"
#include "netns/link.h"
#include "netns/netns.h"

using namespace netio;
using namespace netio::netns;

// What needs privileges is in tests/kernel/netns_test.cpp; all of this ends before the kernel is asked for anything.

TEST_CASE("netns: the namespace of this process is the one that procfs shows") {
    const auto own = Namespace::of_process(::getpid());
    REQUIRE(own.has_value());
    struct stat status {};
    REQUIRE(::stat("/proc/self/ns/net", &status) == 0);
    CHECK(own->inode() == status.st_ino);
    CHECK(own->fd() >= 0);
}

TEST_CASE("netns: a moved namespace keeps its handle") {
    Namespace first = Namespace::of_process(::getpid()).value();
    const int fd = first.fd();
    const Namespace second = std::move(first);
    CHECK(second.fd() == fd);
}

TEST_CASE("netns: a process that is not there") {
    const auto missing = Namespace::of_process(-1);
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().what == "cannot open the network namespace of process -1");
    CHECK(missing.error().why == errno_text(ENOENT));
    CHECK(missing.error().advice == "check that the process is still running");
}

TEST_CASE("netns: names that no device can have") {
    for (const std::string name : {"", ".", "..", "a/b", "a:b", "a b", "a\tb", "sixteen-letters-"}) {
        CAPTURE(name);
        const auto checked = check_device_name(name);
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == ExitCode::usage);
    }
    CHECK_FALSE(check_device_name(std::string("a\0b", 3)).has_value());
    for (const std::string name : {"v", "veth0", "fifteen-letters", "...", "eth0.1"}) {
        CAPTURE(name);
        CHECK(check_device_name(name).has_value());
    }
}

TEST_CASE("netns: addresses with prefix length, and what is none") {
    for (const char* address : {"10.11.0.1/24", "10.11.0.1/0", "10.11.0.1/32", "fd00:11::1/64", "::1/128"}) {
        CAPTURE(address);
        CHECK(check_address(address).has_value());
    }
    for (const char* address : {"", "/", "10.11.0.2", "10.11.0.2/33", "10.11.0.2/-1", "10.11.0.2/", "10.11.0/24",
                                "10.11.0.2/x", "fd00::1/129", "fd00::1", "02:00:00:00:00:01/24", "default/0", "any/0",
                                "somewhere/24", "10.11.0.2/24/24", "10.11.0.2/24 ", " 10.11.0.2/24", "256.0.0.1/8"}) {
        const std::string text = address;
        CAPTURE(text);
        const auto checked = check_address(text);
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == ExitCode::usage);
        CHECK(checked.error().what == "'" + text + "' is not an address with prefix length");
        CHECK(checked.error().advice == "write it like 10.11.0.1/24 or fd00:11::1/64");
    }
}

TEST_CASE("netns: an offload of a device with an impossible name") {
    const Namespace own = Namespace::of_process(::getpid()).value();
    CHECK(offload(own, "", Offload::segmentation).error().code == ExitCode::usage);
    CHECK(set_offload(own, "", Offload::segmentation, true).error().code == ExitCode::usage);
}

TEST_CASE("netns: the words of the offloads") {
    CHECK(to_string(Offload::scatter_gather) == "scatter-gather");
    CHECK(to_string(Offload::transmit_checksum) == "transmit-checksum");
    CHECK(to_string(Offload::segmentation) == "segmentation");
}
