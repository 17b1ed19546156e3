// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "fake_root.h"
#include "kernel/symbols.h"

using namespace netio;
using namespace netio::kernel;

namespace {

Result<Symbols> load(const std::string& kallsyms) {
    const FakeRoot machine;
    machine.file("proc/kallsyms", kallsyms);
    return Symbols::load({machine.path()});
}

// Not in order, as modules are listed after the kernel whatever their address.
constexpr const char* sample =
    "ffffffff81000000 T _stext\n"
    "ffffffff81000000 t first_function\n"
    "ffffffff81000100 t copy_pages.isra.0.cold\n"
    "ffffffff81000120 T __pfx_copy_pages\n"
    "ffffffff81000130 t copy_pages.isra.0\n"
    "ffffffff81000200 D some_data\n"
    "ffffffff81000240 W weak_one\n"
    "ffffffff81000280 t helper\n"
    "ffffffff81000300 t helper\n"
    "ffffffff81000400 T _etext\n"
    "ffffffffc0001000 t driver_xmit.constprop.0.isra.0\t[imaginary_net]\n"
    "ffffffffc0000100 t bpf_prog_6deef7357e7b4530_count.cold\t[bpf]\n"
    "ffffffffc0000180 t bpf_prog_6deef7357e7b4531_other\t[bpf]\n";

}  // namespace

TEST_CASE("symbols: compiler suffixes are stripped, and nothing else") {
    CHECK(source_name("skb_copy_ubufs") == "skb_copy_ubufs");
    CHECK(source_name("f.isra.0") == "f");
    CHECK(source_name("f.constprop.12") == "f");
    CHECK(source_name("f.part.0") == "f");
    CHECK(source_name("f.cold") == "f");
    CHECK(source_name("f.cold.3") == "f");
    CHECK(source_name("f.llvm.1234567890") == "f");
    CHECK(source_name("f.constprop.0.isra.0.cold") == "f");
    CHECK(source_name("f.colder") == "f.colder");
    CHECK(source_name("f.isra") == "f.isra");
    CHECK(source_name("partial.thing") == "partial.thing");
    CHECK(source_name("bpf_prog_6deef7357e7b4530_f.cold") == "bpf_prog_6deef7357e7b4530_f.cold");
    CHECK(source_name("").empty());
}

TEST_CASE("symbols: an address is resolved to the function it lies in") {
    const Symbols symbols = load(sample).value();
    CHECK(symbols.size() == 12);
    CHECK(symbols.resolve(0xffffffff81000130) == Symbol{"copy_pages", ""});
    CHECK(symbols.resolve(0xffffffff8100023f) == Symbol{"copy_pages", ""});
    CHECK(symbols.resolve(0xffffffff81000240) == Symbol{"weak_one", ""});
    CHECK(symbols.resolve(0xffffffff81000100) == Symbol{"copy_pages", ""});
    CHECK(symbols.resolve(0xffffffffc0001010) == Symbol{"driver_xmit", "imaginary_net"});
    CHECK(symbols.resolve(0xffffffffc0000100) == Symbol{"bpf_prog_6deef7357e7b4530_count.cold", "bpf"});
}

TEST_CASE("symbols: of aliases the first listed wins") {
    CHECK(load(sample)->resolve(0xffffffff81000010) == Symbol{"_stext", ""});
}

TEST_CASE("symbols: labels that name no function are left out") {
    const Symbols symbols = load(
                                "ffff800079a60000 t $x\t[veth]\n"
                                "ffff800079a60000 t veth_xmit\t[veth]\n"
                                "ffff800079a60040 t $d.12\t[veth]\n"
                                "ffff800079a60080 t .Lloop\t[veth]\n")
                                .value();
    CHECK(symbols.size() == 1);
    CHECK(symbols.resolve(0xffff800079a60004) == Symbol{"veth_xmit", "veth"});
    CHECK(symbols.resolve(0xffff800079a60090) == Symbol{"veth_xmit", "veth"});
}

TEST_CASE("symbols: an address of no function has no name") {
    const Symbols symbols = load(sample).value();
    CHECK_FALSE(symbols.resolve(0).has_value());
    CHECK_FALSE(symbols.resolve(0xffffffff80ffffff).has_value());
    CHECK(symbols.resolve(0xffffffff811003ff) == Symbol{"_etext", ""});
    CHECK_FALSE(symbols.resolve(0xffffffff81100400).has_value());
    CHECK_FALSE(symbols.resolve(0xfffffffffffffff0).has_value());
}

TEST_CASE("symbols: a return address belongs to the call before it") {
    const Symbols symbols = load(sample).value();
    CHECK(symbols.resolve_return(0xffffffff81000240) == Symbol{"copy_pages", ""});
    CHECK(symbols.resolve_return(0xffffffff81000241) == Symbol{"weak_one", ""});
    CHECK_FALSE(symbols.resolve_return(0).has_value());
}

TEST_CASE("symbols: ranges of a function, with all its pieces") {
    const Symbols symbols = load(sample).value();
    CHECK(symbols.range("copy_pages") == Range{0xffffffff81000130, 0xffffffff81000240});
    CHECK(symbols.ranges("copy_pages") ==
          std::vector<Range>{{0xffffffff81000100, 0xffffffff81000120}, {0xffffffff81000130, 0xffffffff81000240}});
    CHECK(symbols.range("copy_pages.isra.0.cold") == Range{0xffffffff81000100, 0xffffffff81000120});
    CHECK(symbols.ranges("helper") ==
          std::vector<Range>{{0xffffffff81000280, 0xffffffff81000300}, {0xffffffff81000300, 0xffffffff81000400}});
    CHECK(symbols.range("helper") == Range{0xffffffff81000280, 0xffffffff81000300});
    CHECK(symbols.range("first_function") == Range{0xffffffff81000000, 0xffffffff81000100});
    CHECK(symbols.range("driver_xmit") == Range{0xffffffffc0001000, 0xffffffffc0101000});
}

TEST_CASE("symbols: what is not there has no range") {
    const Symbols symbols = load(sample).value();
    CHECK_FALSE(symbols.range("copy").has_value());
    CHECK_FALSE(symbols.range("some_data").has_value());
    CHECK(symbols.ranges("copy").empty());
    CHECK_FALSE(load("ffffffff81000000 t only.cold\nffffffff81000010 t other\n")->range("only").has_value());
}

TEST_CASE("symbols: the very top of the address space does not wrap") {
    const Symbols symbols = load("ffffffffffffff00 T top\n").value();
    CHECK(symbols.range("top") == Range{0xffffffffffffff00, 0xffffffffffffffff});
    CHECK(symbols.resolve(0xffffffffffffffff) == Symbol{"top", ""});
}

TEST_CASE("symbols: broken lines are skipped") {
    const Symbols symbols =
        load("\nnonsense\n12\n34 T\nffffffff81000000  T two_blanks\nffffffff81000100 T good").value();
    CHECK(symbols.size() == 1);
    CHECK(symbols.resolve(0xffffffff81000100) == Symbol{"good", ""});
}

TEST_CASE("symbols: hidden, empty and missing tables are errors with advice") {
    const FakeRoot machine;
    const Root root{machine.path()};
    CHECK(Symbols::load(root).error().why == errno_text(ENOENT));

    machine.file("proc/kallsyms", "ffffffff81000000 D only_data\n");
    CHECK(Symbols::load(root).error().why == "it lists no function");
    CHECK(Symbols::load(root).error().code == ExitCode::privilege);

    machine.file("proc/kallsyms", "0000000000000000 T a\n0000000000000000 t b\n");
    CHECK(Symbols::load(root).error().advice == "run as root (CAP_SYSLOG)");
    CHECK(Symbols::load(root).error().code == ExitCode::privilege);
    machine.file("proc/sys/kernel/kptr_restrict", "1\n");
    CHECK(Symbols::load(root).error().advice == "run as root (CAP_SYSLOG)");
    machine.file("proc/sys/kernel/kptr_restrict", "2\n");
    CHECK(Symbols::load(root).error().advice == "sudo sysctl kernel.kptr_restrict=1");
}
