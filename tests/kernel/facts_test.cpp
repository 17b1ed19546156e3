// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/wait.h>

#include <cerrno>

#include "base/files.h"
#include "kernel/limits.h"
#include "kernel/symbols.h"
#include "kernel/taps.h"
#include "support.h"

using namespace netio;
using namespace netio::netns;

namespace {

// Runs `task` in a child that is nobody; returns whether it found what it looked for.
bool as_nobody(const std::function<bool()>& task) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        constexpr uid_t nobody = 65534;
        const bool dropped = ::setresgid(nobody, nobody, nobody) == 0 && ::setresuid(nobody, nobody, nobody) == 0;
        ::_exit(dropped && task() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("privilege: without it each step says what it needs") {
    const Pair pair;
    CHECK(as_nobody([] {
        const auto made = Namespace::create();
        return !made && made.error().code == ExitCode::privilege && made.error().why == errno_text(EPERM) &&
               made.error().advice == "creating a network namespace needs CAP_SYS_ADMIN; try sudo";
    }));
    CHECK(as_nobody([&] {
        const auto joined = join(pair);
        return !joined && joined.error().code == ExitCode::privilege &&
               joined.error().advice == "entering a network namespace needs CAP_SYS_ADMIN; try sudo";
    }));
    CHECK(as_nobody([] {
        const auto foreign = Namespace::of_process(1);
        return !foreign && foreign.error().code == ExitCode::privilege;
    }));
    CHECK(as_nobody([] { return kernel::own_capabilities().value() == kernel::Capabilities{}; }));
    CHECK(kernel::own_capabilities()->sys_admin);
}

TEST_CASE("taps: a packet socket in a private namespace is found with its device and its process") {
    const Pair pair;
    REQUIRE(join(pair));
    const auto taps = [&] {
        std::vector<model::TapFacts> found;
        REQUIRE(pair.a.run([&]() -> Result<void> {
            found = kernel::find_taps({}, ::gettid(), "server").value();
            return {};
        }));
        return found;
    };
    CHECK(taps().empty());
    const Fd tap = opened_in(pair.a, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct stat status {};
    REQUIRE(::fstat(tap.get(), &status) == 0);
    const std::string command = read_file("/proc/self/comm").value();
    model::TapFacts expected{"server", status.st_ino, "all", ::getpid(), command.substr(0, command.size() - 1), ""};
    CHECK(taps() == std::vector<model::TapFacts>{expected});

    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    REQUIRE(pair.a.run([&]() -> Result<void> {
        address.sll_ifindex = static_cast<int>(::if_nametoindex("nta"));
        return {};
    }));
    REQUIRE(::bind(tap.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    expected.device = "nta";
    CHECK(taps() == std::vector<model::TapFacts>{expected});
}

TEST_CASE("limits: optmem_max of a private namespace is read inside it") {
    const Namespace ns = Namespace::create().value();
    const std::uint64_t host = kernel::optmem_max({}).value();
    std::uint64_t inside = 0;
    bool own = false;
    REQUIRE(ns.run([&]() -> Result<void> {
        const Fd file(::open("/proc/sys/net/core/optmem_max", O_WRONLY | O_CLOEXEC));
        own = file.valid() && ::write(file.get(), "12345\n", 6) == 6;
        inside = kernel::optmem_max({}).value_or(0);
        return {};
    }));
    // Before 6.8 there is one limit for all, and a private namespace does not show it.
    CHECK(inside == (own ? 12345U : 0U));
    CHECK(kernel::optmem_max({}).value() == host);
}

TEST_CASE("symbols: the running kernel's functions are found by name and by address") {
    const auto symbols = kernel::Symbols::load({});
    REQUIRE(symbols.has_value());
    const auto range = symbols->range("skb_copy_ubufs");
    REQUIRE(range.has_value());
    CHECK(range->end > range->start);
    CHECK(symbols->resolve(range->start) == kernel::Symbol{"skb_copy_ubufs", ""});
    CHECK(symbols->resolve_return(range->end) == kernel::Symbol{"skb_copy_ubufs", ""});
}
