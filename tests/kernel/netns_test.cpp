// SPDX-License-Identifier: MIT
#include "netns/netns.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "netns/link.h"
#include "support.h"

using namespace netio;
using namespace netio::netns;

namespace {

namespace fs = std::filesystem;

std::set<std::string> named_namespaces() {
    std::set<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry("/run/netns", error), end; !error && entry != end; entry.increment(error)) {
        names.insert(entry->path().filename());
    }
    return names;
}

// Whether a process is in the namespace, or holds a descriptor of it.
bool somebody_holds(std::uint64_t inode) {
    const std::string target = "net:[" + std::to_string(inode) + "]";
    std::error_code error;
    for (fs::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
        std::error_code gone;
        if (fs::read_symlink(process->path() / "ns/net", gone) == target) {
            return true;
        }
        std::error_code refused;
        for (fs::directory_iterator fd(process->path() / "fd", refused); !refused && fd != end; fd.increment(refused)) {
            if (fs::read_symlink(fd->path(), gone) == target) {
                return true;
            }
        }
    }
    return false;
}

// Names of devices that the kernel announced to a socket that listens to the link group of a namespace.
std::set<std::string> announced(const Fd& socket) {
    std::set<std::string> names;
    std::array<char, 65536> buffer;
    for (ssize_t got = 0; (got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
        auto left = static_cast<unsigned>(got);
        for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
             message = NLMSG_NEXT(message, left)) {
            auto* link = static_cast<ifinfomsg*>(NLMSG_DATA(message));
            auto length = static_cast<unsigned>(IFLA_PAYLOAD(message));
            for (rtattr* attribute = IFLA_RTA(link); RTA_OK(attribute, length);
                 attribute = RTA_NEXT(attribute, length)) {
                if (attribute->rta_type == IFLA_IFNAME) {
                    names.insert(static_cast<const char*>(RTA_DATA(attribute)));
                }
            }
        }
    }
    return names;
}

void listen_to_links(const Fd& socket) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

}  // namespace

TEST_CASE("namespaces: new ones are empty, distinct, and the caller stays where it is") {
    const ino_t before = own_namespace();
    const Pair pair;
    CHECK(pair.a.inode() != pair.b.inode());
    CHECK(pair.a.inode() != before);
    CHECK(devices(pair.a) == std::vector<std::string>{"lo"});
    CHECK(own_namespace() == before);
    CHECK((::fcntl(pair.a.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("namespaces: a task runs inside, its error and its exception come back") {
    const Namespace ns = Namespace::create().value();
    ino_t inside = 0;
    const auto ran = ns.run([&]() -> Result<void> {
        inside = own_namespace();
        return fail("what", "why", "advice", ExitCode::privilege);
    });
    CHECK(inside == ns.inode());
    REQUIRE_FALSE(ran.has_value());
    CHECK(describe(ran.error()) == describe(Error{"what", "why", "advice", ExitCode::privilege}));
    CHECK(ran.error().code == ExitCode::privilege);
    CHECK_THROWS_WITH_AS((void)ns.run([]() -> Result<void> { throw std::runtime_error("from inside"); }), "from inside",
                         std::runtime_error);
}

TEST_CASE("namespaces: a child that enters is found there by its pid") {
    const Namespace ns = Namespace::create().value();
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const char entered = ns.enter() ? 'y' : 'n';
        (void)!::write(write_end.get(), &entered, 1);
        ::pause();
        ::_exit(0);
    }
    char entered = 0;
    REQUIRE(::read(read_end.get(), &entered, 1) == 1);
    CHECK(entered == 'y');
    CHECK(Namespace::of_process(child)->inode() == ns.inode());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_CASE("namespaces: loopback carries TCP once it is up") {
    const Namespace ns = Namespace::create().value();
    REQUIRE(loopback_up(ns));
    check_carries(ns, ns, "127.0.0.1");
    if (has_ipv6()) {
        check_carries(ns, ns, "::1");
    }
}

TEST_CASE("veth: TCP passes at once in both directions, IPv4 and IPv6") {
    int lost = 0;
    for (int round = 0; round < 7; ++round) {
        const Pair v4;
        REQUIRE(join(v4));
        lost += check_carries(v4.a, v4.b, "10.11.0.2") ? 1 : 0;
        lost += check_carries(v4.b, v4.a, "10.11.0.1") ? 1 : 0;
        if (!has_ipv6()) {
            continue;
        }
        const Pair v6;
        REQUIRE(make_veth({v6.a, "nta", "fd00:11::1/64"}, {v6.b, "ntb", "fd00:11::2/64"}));
        lost += check_carries(v6.a, v6.b, "fd00:11::2") ? 1 : 0;
        lost += check_carries(v6.b, v6.a, "fd00:11::1") ? 1 : 0;
    }
    // A pair that is not ready loses the first packet of most IPv6 pairs and of many IPv4 ones. A machine that stood
    // still for a second in between must not look like that.
    CHECK(lost <= 2);
}

TEST_CASE("veth: the devices are where they belong, with the MTU asked for, and never on the host") {
    const Fd witness(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    REQUIRE(witness.valid());
    listen_to_links(witness);
    const auto devices_before = own_devices();
    const auto names_before = named_namespaces();

    const Pair pair;
    const Fd inside = opened_in(pair.a, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    listen_to_links(inside);
    REQUIRE(loopback_up(pair.a));
    REQUIRE(make_veth({pair.a, "nta-unheard", "10.11.0.1/24"}, {pair.b, "ntb-unheard", "10.11.0.2/24"}, 4321));

    CHECK(devices(pair.a) == std::vector<std::string>{"lo", "nta-unheard"});
    CHECK(devices(pair.b) == std::vector<std::string>{"lo", "ntb-unheard"});
    CHECK(own_devices() == devices_before);
    CHECK(named_namespaces() == names_before);
    CHECK(announced(inside).count("nta-unheard") == 1);
    const auto heard = announced(witness);
    CHECK(heard.count("nta-unheard") == 0);
    CHECK(heard.count("ntb-unheard") == 0);

    for (const auto& [ns, device] : {std::pair(&pair.a, "nta-unheard"), std::pair(&pair.b, "ntb-unheard")}) {
        const Fd socket = opened_in(*ns, AF_INET, SOCK_DGRAM);
        ifreq request{};
        std::strncpy(static_cast<char*>(request.ifr_name), device, IFNAMSIZ - 1);
        REQUIRE(::ioctl(socket.get(), SIOCGIFMTU, &request) == 0);
        CHECK(request.ifr_mtu == 4321);
    }
}

TEST_CASE("veth: two pairs with the same names and addresses work side by side") {
    const Pair one;
    const Pair two;
    REQUIRE(join(one));
    REQUIRE(join(two));
    check_carries(one.a, one.b, "10.11.0.2");
    check_carries(two.a, two.b, "10.11.0.2");
    check_carries(one.b, one.a, "10.11.0.1");
}

TEST_CASE("veth: an error is told and leaves no device") {
    const Pair pair;
    const auto with = [&](const char* device, const char* address, unsigned mtu) {
        return make_veth({pair.a, "nta", "10.11.0.1/24"}, {pair.b, device, address}, mtu).error();
    };
    CHECK(with("far/too", "10.11.0.2/24", 1500).code == ExitCode::usage);
    CHECK(with("ntb", "10.11.0.2", 1500).code == ExitCode::usage);
    CHECK(with("lo", "10.11.0.2/24", 1500).why == errno_text(EEXIST));
    CHECK(with("ntb", "10.11.0.2/24", 1).what == "cannot create the veth pair nta - ntb");
    // An IPv6 address needs a minimum MTU, which the kernel notices only after the pair was made.
    CHECK(with("ntb", "fd00:11::2/64", 1000).what == "cannot give device ntb the address fd00:11::2/64");
    CHECK(becomes_true([&] { return devices(pair.a) == std::vector<std::string>{"lo"}; }));
    CHECK(becomes_true([&] { return devices(pair.b) == std::vector<std::string>{"lo"}; }));
    CHECK(join(pair).has_value());
}

TEST_CASE("veth: the pair and the namespace vanish with the last descriptor") {
    const Namespace witness = Namespace::create().value();
    std::uint64_t inode = 0;
    {
        const Namespace ns = Namespace::create().value();
        inode = ns.inode();
        REQUIRE(make_veth({ns, "nta", "10.11.0.1/24"}, {witness, "ntb", "10.11.0.2/24"}));
        CHECK(somebody_holds(inode));
    }
    CHECK_FALSE(somebody_holds(inode));
    CHECK(becomes_true([&] { return devices(witness) == std::vector<std::string>{"lo"}; }));
}

TEST_CASE("veth: kill -9 of the process that holds everything leaves nothing") {
    const auto devices_before = own_devices();
    const Namespace witness = Namespace::create().value();
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // Not a Pair of doctest's making: a failed assertion must not run the parent's tests twice.
        const auto a = Namespace::create();
        const auto b = Namespace::create();
        const bool built = a && b && loopback_up(*a) &&
                           make_veth({*a, "nta", "10.11.0.1/24"}, {*b, "ntb", "10.11.0.2/24"}) &&
                           make_veth({*a, "ntc", "10.12.0.1/24"}, {witness, "ntw", "10.12.0.2/24"});
        const std::array<std::uint64_t, 2> inodes{built ? a->inode() : 0, built ? b->inode() : 0};
        (void)!::write(write_end.get(), inodes.data(), sizeof inodes);
        ::pause();
        ::_exit(0);
    }
    std::array<std::uint64_t, 2> inodes{};
    REQUIRE(::read(read_end.get(), inodes.data(), sizeof inodes) == static_cast<ssize_t>(sizeof inodes));
    REQUIRE(inodes[0] != 0);
    CHECK(somebody_holds(inodes[0]));
    CHECK(somebody_holds(inodes[1]));
    CHECK(devices(witness) == std::vector<std::string>{"lo", "ntw"});

    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(somebody_holds(inodes[0]));
    CHECK_FALSE(somebody_holds(inodes[1]));
    CHECK(becomes_true([&] { return devices(witness) == std::vector<std::string>{"lo"}; }));
    CHECK(own_devices() == devices_before);
}
