// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "base/text.h"
#include "fake_root.h"
#include "kernel/taps.h"

using namespace netio;
using namespace netio::kernel;

namespace {

constexpr const char* header = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n";

// proc/<pid>/net of process 100 with the given lines of packet sockets.
void fill(const FakeRoot& machine, const std::string& sockets) {
    machine.file("proc/100/net/dev", "Inter-|   Receive\n");
    machine.file("proc/100/net/packet", header + sockets);
}

std::vector<model::TapFacts> taps_of(const FakeRoot& machine) {
    return find_taps({machine.path()}, 100, "server").value();
}

}  // namespace

TEST_CASE("taps: sockets, protocols, devices and owners") {
    const FakeRoot machine;
    fill(machine,
         "ffff888003f0f000 3      3    0003   2     1 0      0      4711  \n"
         "ffff888003f0f800 3      2    88cc   0     1 0      1000   4712  \n");
    machine.file("proc/100/net/dev_mcast", "2    veth0           1     0     333300000001\n");
    machine.file("proc/7/comm", "tcpdump\n");
    machine.link("proc/7/fd/3", "socket:[4711]");
    machine.link("proc/7/fd/4", "/dev/null");
    machine.link("proc/7/fd/5", "socket:[99]");

    const model::TapFacts sniffer{"server", 4711, "all", 7, "tcpdump", "veth0"};
    const model::TapFacts unowned{"server", 4712, "0x88cc", 0, "", ""};
    CHECK(taps_of(machine) == std::vector<model::TapFacts>{sniffer, unowned});
}

TEST_CASE("taps: sockets that receive nothing, and lines that are none, are left out") {
    const FakeRoot machine;
    fill(machine,
         "ffff888003f0f000 3      3    0000   0     0 0      0      1  \n"
         "ffff888003f0f000 3      3    0000   0     1 0      0      2  \n"
         "ffff888003f0f000 3      3    0003   0     0 0      0      3  \n"
         "ffff888003f0f000 3      3    0003   x     1 0      0      4  \n"
         "ffff888003f0f000 3      3    0003   0     1 0      0\n"
         "\n");
    CHECK(taps_of(machine).empty());
    fill(machine, "ffff888003f0f000 3      3    0003   0     1 0      0      5  \n");
    CHECK(taps_of(machine).size() == 1);
}

TEST_CASE("taps: the device's name comes from whichever table has it") {
    const FakeRoot machine;
    const std::string line = "ffff888003f0f000 3      3    0003   18    1 0      0      4711  \n";
    fill(machine, line);
    CHECK(taps_of(machine).at(0).device == "ifindex 18");
    SUBCASE("IPv4 groups") {
        machine.file("proc/100/net/igmp",
                     "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
                     "18\tveth4     :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n");
        CHECK(taps_of(machine).at(0).device == "veth4");
    }
    SUBCASE("IPv6 addresses, whose index is hexadecimal") {
        machine.file("proc/100/net/if_inet6", "fe800000000000000000000000000001 12 40 20 80    veth6\n");
        CHECK(taps_of(machine).at(0).device == "veth6");
    }
    SUBCASE("multicast link addresses") {
        machine.file("proc/100/net/dev_mcast", "18   veth2           1     0     01005e000001\n");
        CHECK(taps_of(machine).at(0).device == "veth2");
    }
}

TEST_CASE("taps: of several owners the lowest pid is named, whatever the order of the folder") {
    const FakeRoot machine;
    fill(machine, "ffff888003f0f000 3      3    0003   0     1 0      0      4711  \n");
    for (const int pid : {912, 23, 104}) {
        const std::string process = "proc/" + std::to_string(pid);
        machine.file(process + "/comm", "p" + std::to_string(pid) + "\n");
        machine.link(process + "/fd/8", "socket:[4711]");
    }
    CHECK(taps_of(machine).at(0).pid == 23);
    CHECK(taps_of(machine).at(0).command == "p23");
}

TEST_CASE("taps: a process that vanished, and folders that are no process, are no error") {
    const FakeRoot machine;
    fill(machine, "ffff888003f0f000 3      3    0003   0     1 0      0      4711  \n");
    machine.folder("proc/31");
    machine.link("proc/32/fd/3", "socket:[4711");
    machine.link("proc/sys/fd/3", "socket:[4711]");
    CHECK(taps_of(machine).at(0).pid == 0);
    machine.link("proc/33/fd/3", "socket:[4711]");
    CHECK(taps_of(machine).at(0).pid == 33);
    CHECK(taps_of(machine).at(0).command.empty());
}

TEST_CASE("taps: no packet sockets in the kernel is an answer, no process is an error") {
    const FakeRoot machine;
    const auto missing = find_taps({machine.path()}, 100, "server");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().why == errno_text(ENOENT));
    machine.file("proc/100/net/dev", "Inter-|   Receive\n");
    CHECK(taps_of(machine).empty());
}
