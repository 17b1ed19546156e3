// SPDX-License-Identifier: MIT
#include "report/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "base/fd.h"
#include "base/text.h"
#include "golden.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/style.h"
#include "report_fixture.h"

namespace {

using namespace netio;
using report::fold;
using report::printable;
using report::render_terminal;
using report::TerminalStyle;

using Lines = std::vector<std::string>;

const std::map<std::string, std::function<model::Report()>> reports{{"zerocopy_veth", test::zerocopy_over_veth},
                                                                    {"one_copy", test::one_copy},
                                                                    {"silent_copies", test::silent_copies},
                                                                    {"interrupted", test::interrupted},
                                                                    {"lost_events", test::lost_events},
                                                                    {"everything_missing", test::everything_missing},
                                                                    {"hybrid", test::hybrid},
                                                                    {"long_names", test::long_names}};

TerminalStyle style(unsigned columns, bool colour = false, bool unicode = true) {
    return {columns, colour, unicode};
}

Lines lines_of(const std::string& text) {
    Lines lines = split(text, '\n');
    REQUIRE(lines.back().empty());
    lines.pop_back();
    return lines;
}

// Without the sequences ESC [ ... m.
std::string without_colour(std::string text) {
    for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b')) {
        const std::size_t end = text.find('m', at);
        REQUIRE(end != std::string::npos);
        text.erase(at, end - at + 1);
    }
    return text;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// An environment of its own, so that no test depends on the terminal it is run from.
report::EnvironmentLookup environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    };
}

}  // namespace

TEST_CASE("terminal: reports are as they were when a person last looked at them") {
    for (const auto& [name, make] : reports) {
        test::check_golden(name + ".80.txt", render_terminal(make(), style(80)));
    }
    test::check_golden("zerocopy_veth.120.txt", render_terminal(test::zerocopy_over_veth(), style(120)));
    test::check_golden("hybrid.120.txt", render_terminal(test::hybrid(), style(120)));
    test::check_golden("silent_copies.120.txt", render_terminal(test::silent_copies(), style(120)));
    test::check_golden("one_copy.60.ascii.txt", render_terminal(test::one_copy(), style(60, false, false)));
    test::check_golden("lost_events.80.colour.txt", render_terminal(test::lost_events(), style(80, true)));
}

TEST_CASE("terminal: no line is wider than the terminal or ends in a space") {
    for (const auto& [name, make] : reports) {
        for (const unsigned columns : {60U, 61U, 79U, 80U, 99U, 100U, 109U, 110U, 120U, 200U}) {
            for (const bool unicode : {true, false}) {
                for (const auto depth : {report::Depth::summary, report::Depth::evidence}) {
                    for (const auto& line : lines_of(render_terminal(make(), style(columns, false, unicode), depth))) {
                        CAPTURE(name);
                        CAPTURE(line);
                        CHECK(display_width(line) <= columns);
                        CHECK_FALSE(line.ends_with(' '));
                    }
                }
            }
        }
    }
}

TEST_CASE("terminal: less than 60 columns are treated as 60") {
    const auto report = test::zerocopy_over_veth();
    CHECK(render_terminal(report, style(0)) == render_terminal(report, style(60)));
    CHECK(render_terminal(report, style(59)) == render_terminal(report, style(60)));
    CHECK(render_terminal(report, style(61)) != render_terminal(report, style(60)));
}

TEST_CASE("terminal: colour adds nothing but colour") {
    for (const auto& [name, make] : reports) {
        CAPTURE(name);
        const std::string plain = render_terminal(make(), style(80));
        const std::string coloured = render_terminal(make(), style(80, true));
        CHECK_FALSE(has(plain, "\x1b"));
        CHECK(has(coloured, "\x1b[1m"));
        CHECK(without_colour(coloured) == plain);
    }
}

TEST_CASE("terminal: ASCII where the terminal speaks nothing else") {
    for (const auto& [name, make] : reports) {
        CAPTURE(name);
        const std::string text = render_terminal(make(), style(80, false, false));
        CHECK(
            std::ranges::all_of(text, [](char letter) { return letter == '\n' || (letter >= ' ' && letter <= '~'); }));
    }
    CHECK(has(render_terminal(test::silent_copies(), style(80, false, false)), "no-scatter-gather | 5.00 s"));
}

TEST_CASE("terminal: the evidence has both sides of every balance, and the stacks as a whole") {
    auto report = test::zerocopy_over_veth();
    REQUIRE_FALSE(report.findings.empty());
    report.findings[0].evidence = {"stack: a <- b"};
    const std::string text = render_terminal(report, style(200), report::Depth::evidence);
    CHECK(has(text, "- stack: a <- b"));
    CHECK_FALSE(has(text, " more\n"));
    for (const auto& balance : report.ledger.balances) {
        CHECK(has(text, balance.id + ": " + balance.equation + ": "));
    }
    CHECK_FALSE(has(render_terminal(report, style(200)), "Balances"));
}

TEST_CASE("terminal: the evidence has what was read of a counter that shared its hardware") {
    const std::string text = render_terminal(test::hybrid(), style(200), report::Depth::evidence);
    CHECK(has(text, "machine cycles: 4.57 G read, while it counted 46.2 % of the time or more; 9.88 G in all of it"));
    CHECK(has(text, "server L1-dcache-load-misses: "));
    CHECK_FALSE(has(text, "server cycles: "));
    CHECK_FALSE(has(render_terminal(test::hybrid(), style(200)), "read, while it counted"));
}

TEST_CASE("terminal: hardware events stand together where one reason stands for all, and else by name") {
    auto report = test::zerocopy_over_veth();
    report.counters[5] = test::uncounted(model::Role::server, "LLC-load-misses", "no counter was left");
    const std::string text = render_terminal(report, style(200));
    CHECK_FALSE(has(text, "each hardware event"));
    CHECK(has(text, "cycles, instructions, cache-references, cache-misses, L1-dcache-load-misses n/a: " +
                        std::string(test::no_pmu)));
    CHECK(has(text, "LLC-load-misses n/a: no counter was left"));
}

TEST_CASE("terminal: what the machine could not count for the threads' own reason is not said twice") {
    const std::string text = render_terminal(test::zerocopy_over_veth(), style(200));
    CHECK(has(text, "Machine   2 CPUs \u00b7 busy 9.96 s (1.47 ns/B) \u00b7 softirq 1.23 s (0.182 ns/B)\n"));
    const std::string all = render_terminal(test::zerocopy_over_veth(), style(200), report::Depth::evidence);
    CHECK(has(all, " \u00b7 context-switches 12 345 \u00b7 page-faults 1 204 \u00b7 cpu-migrations 31\n"));
    CHECK(text.find(test::no_pmu) == text.rfind(test::no_pmu));
    auto report = test::zerocopy_over_veth();
    report.machine_counters->rows[2].total = model::Figure<std::uint64_t>::missing("paranoid");
    CHECK(has(render_terminal(report, style(200)), "cycles n/a: paranoid"));
    report.machine_counters.reset();
    CHECK_FALSE(has(render_terminal(report, style(200)), "Machine"));
}

TEST_CASE("terminal: a normal run is one screen of 40 lines") {
    CHECK(lines_of(render_terminal(test::zerocopy_over_veth(), style(80))).size() <= 40);
    CHECK(lines_of(render_terminal(test::one_copy(), style(80))).size() <= 40);
}

TEST_CASE("terminal: names from outside cannot steer the terminal") {
    const std::string text = render_terminal(test::long_names(), style(80));
    CHECK_FALSE(has(text, "\x1b"));
    CHECK(has(text, "evil?[31m name??? (pid 2147483647)"));
}

TEST_CASE("terminal: what was not measured is n/a with its reason, and never 0") {
    const std::string text = render_terminal(test::everything_missing(), style(200));
    CHECK(has(text, "unexplained                      n/a"));
    CHECK(has(text,
              "program -> kernel copied, program -> kernel pinned, unexplained, copies per byte end to end n/a: "
              "the probe send is missing"));
    CHECK(has(text, "error queue, kernel record, bytes copied n/a: not measured"));
    CHECK(has(text, "throughput, send() n/a: not measured"));
    CHECK(has(text, "each hardware event n/a: this machine exposes no hardware counter"));
    CHECK(has(text, "fentry/tcp_sendmsg_locked, kprobe/tcp_sendmsg_locked: Operation not permitted (EPERM); "));
    CHECK_FALSE(has(text, "0 B\n"));
    CHECK_FALSE(has(text, "0.00"));
    CHECK_FALSE(has(text, "agree"));
}

TEST_CASE("terminal: a run that was not to be traced says so, and blames no probe") {
    auto report = test::everything_missing();
    report.spec.tier = model::Tier::none;
    report.coverage.clear();
    report.complete = true;
    const std::string text = render_terminal(report, style(120));
    CHECK(has(text, "not traced\n"));
    CHECK(has(text,
              "Not seen  nothing was traced, as --tier none asks: what the kernel did with the bytes is unknown\n"));
    CHECK_FALSE(has(text, "incomplete"));
    CHECK_FALSE(has(text, "no probe was tried"));
    CHECK_FALSE(has(text, "no probes"));
}

TEST_CASE("terminal: a figure missing in one place is explained there") {
    auto report = test::zerocopy_over_veth();
    using Count = model::Figure<std::uint64_t>;
    report.ledger.accounts[1].copies_per_byte = model::Figure<double>::missing("pages unknown");
    report.ledger.accounts[2].calls = Count::missing("calls unknown");
    model::Balance balance;
    balance.id = "delivered";
    balance.unexplained = Count::missing("no probe");
    report.ledger.balances = {balance};
    report.witnesses.moved_silent_bytes = Count::missing("no skb_segment");
    report.findings[0].bytes = Count::missing("events were lost");
    report.counters = {test::split(model::Role::server, "cycles", 100, 200, 1.5),
                       test::uncounted(model::Role::client, "cycles", "thread gone")};
    report.counters[0].kernel = Count::missing("kernel.perf_event_paranoid is 2");
    const std::string text = render_terminal(report, style(120));
    CHECK(has(text, "  inside the kernel copied late copies/B n/a: pages unknown\n"));
    CHECK(has(text, "  kernel -> program copied calls n/a: calls unknown\n"));
    CHECK(has(text, "  balance of delivered n/a: no probe\n"));
    CHECK(has(text, "6.76 GB flagged, n/a silent, 0 B for taps\n"));
    CHECK(has(text, "bytes copied silent n/a: no skb_segment"));
    CHECK(has(text, "local-delivery n/a  veth1 (veth): "));
    CHECK(has(text, "(bytes n/a: events were lost)"));
    CHECK(has(text, "  server kernel n/a: kernel.perf_event_paranoid is 2\n"));
    CHECK(has(text, "  client cycles n/a: thread gone\n"));
    // Calls have no column on a narrower page, so nothing is to be explained there.
    CHECK_FALSE(has(render_terminal(report, style(80)), "calls unknown"));
}

TEST_CASE("terminal: interruption, warnings and incomplete data stand before the verdict") {
    const std::string stopped = render_terminal(test::interrupted(), style(80));
    CHECK(stopped.find("! Interrupted: Ctrl-C (SIGINT)") < stopped.find("All 412 331"));
    const std::string lost = render_terminal(test::lost_events(), style(80));
    CHECK(lost.find("! 1 312 events were lost") < lost.find("All 412 331"));
    CHECK_FALSE(has(lost, "! The data of this run are incomplete."));
    auto report = test::zerocopy_over_veth();
    CHECK_FALSE(has(render_terminal(report, style(80)), "! "));
    report.complete = false;
    CHECK(has(render_terminal(report, style(80)), "! The data of this run are incomplete.\n"));
}

TEST_CASE("terminal: the books that do not balance are named") {
    const std::string text = render_terminal(test::lost_events(), style(120));
    CHECK(has(text, "unexplained        see below    16.4 kB"));
    CHECK(has(text, "  received does not balance by 16 384 B: returned by receive calls = copied to user + mapped; "));
    CHECK_FALSE(has(text, "sent does not balance"));
}

TEST_CASE("terminal: witnesses that differ are marked in words") {
    CHECK(has(render_terminal(test::silent_copies(), style(80)), "          ! the program was told zero-copy"));
    auto report = test::zerocopy_over_veth();
    CHECK(has(render_terminal(report, style(80)), "0 B for taps: they agree\n"));
    report.witnesses.sentences[0] = "they agree in every respect";
    CHECK(has(render_terminal(report, style(80)), "0 B for taps\n          they agree in every respect\n"));
}

TEST_CASE("terminal: where the report draws no conclusion from the witnesses, none is printed") {
    auto report = test::zerocopy_over_veth();
    report.witnesses.told_calls = report.witnesses.told_copied_calls =
        model::Figure<std::uint64_t>::missing("no send call asked for zero-copy");
    report.witnesses.agree = false;
    report.witnesses.sentences.clear();
    const std::string text = render_terminal(report, style(80));
    CHECK(has(text, "          error queue n/a: no send call asked for zero-copy\n"));
    CHECK_FALSE(has(text, "agree"));
    CHECK_FALSE(has(text, "! "));
}

TEST_CASE("terminal: each cause is named once with its remedy and its innermost frames") {
    auto report = test::silent_copies();
    report.findings[1].remedy = report.findings[0].remedy;
    const std::string text = render_terminal(report, style(200));
    CHECK(has(text, "no-scatter-gather 99.9 % silent  veth0 (veth): veth0 cannot"));
    CHECK(has(text, "packet-tap <0.1 %  veth0 (veth), netio-tap (pid 4711): a packet socket"));
    CHECK(text.find("ethtool -K veth0") == text.rfind("ethtool -K veth0"));
    CHECK(has(render_terminal(test::zerocopy_over_veth(), style(200)), "<- __napi_poll <- net_rx_action <- 3 more\n"));
}

TEST_CASE("terminal: where there are several causes each remedy says which it is for") {
    auto report = test::silent_copies();
    CHECK(has(render_terminal(report, style(200)), "\nTry       no-scatter-gather: switch scatter-gather on"));
    CHECK(has(render_terminal(report, style(200)), "\n          packet-tap: stop the tap"));
    report.findings[1].remedy = report.findings[0].remedy;
    CHECK(has(render_terminal(report, style(200)), "\nTry       no-scatter-gather, packet-tap: switch scatter-gather"));
    CHECK(has(render_terminal(test::zerocopy_over_veth(), style(200)), "\nTry       send through a real"));
}

TEST_CASE("terminal: a run that was told nothing and copied nothing late says that in a line") {
    auto report = test::zerocopy_over_veth();
    using Count = model::Figure<std::uint64_t>;
    auto& witnesses = report.witnesses;
    witnesses.told_calls = witnesses.told_copied_calls = Count::missing("no zero-copy call was made");
    witnesses.recorded_calls = witnesses.recorded_copied_calls = witnesses.recorded_copied_bytes = witnesses.told_calls;
    witnesses.sentences.clear();
    CHECK(has(render_terminal(report, style(80)), "0 B silent"));  // bytes were copied late: they are told
    witnesses.moved_flagged_bytes = 0;
    CHECK(has(render_terminal(report, style(80)), "\nSaid      nothing: no zero-copy call was made\n"));
    CHECK_FALSE(has(render_terminal(report, style(80)), "0 B silent"));
}

TEST_CASE("terminal: the title has what ran and where it ran on lines of their own where one is too short") {
    auto report = test::silent_copies();
    CHECK(has(render_terminal(report, style(80)), "5.00 s\n             Linux 6.18.5 x86_64 \u00b7 tracepoint\n"));
}

TEST_CASE("terminal: taps beyond the third are counted") {
    auto report = test::silent_copies();
    report.taps.resize(5, report.taps[0]);
    report.taps[0].pid = 0;
    report.taps[1].device = "eth7";
    const std::string text = render_terminal(report, style(120));
    CHECK(has(text, "owner not found \u00b7 in namespace server \u00b7 every device \u00b7 protocol all\n"));
    CHECK(has(text, "netio-tap (pid 4711) \u00b7 in namespace server \u00b7 eth7 \u00b7 protocol all\n"));
    CHECK(has(text, "          and 2 more\n"));
}

TEST_CASE("figures: each reason is said once, in the order it was first met") {
    report::Missing missing;
    CHECK(missing.sentences().empty());
    missing.add("b", "two");
    missing.add("a", "one");
    missing.add("c", "two");
    missing.add("b", "two");
    missing.add_unless_measured("d", model::Figure<double>{0.0});
    missing.add_unless_measured("e", model::Figure<double>{});
    CHECK(missing.sentences() == Lines{"b, c n/a: two", "a n/a: one", "e n/a: not measured"});
}

TEST_CASE("figures: tiers in the order of the vocabulary, without what was not attached") {
    auto coverage = test::full_coverage();
    CHECK(report::tiers_used(coverage) == Lines{"tracepoint"});
    coverage[4].tier = model::Tier::fentry;
    coverage[5].tier = model::Tier::none;
    CHECK(report::tiers_used(coverage) == Lines{"fentry", "tracepoint"});
    CHECK(report::tiers_used({}).empty());
}

TEST_CASE("fold: words, figures and arrows") {
    CHECK(fold("", 10, 10).empty());
    CHECK(fold("  one   two ", 10, 10) == Lines{"one two"});
    CHECK(fold("one two three", 7, 7) == Lines{"one two", "three"});
    CHECK(fold("one two three", 3, 9) == Lines{"one", "two three"});
    CHECK(fold("all 412 331 sends", 7, 7) == Lines{"all", "412 331", "sends"});
    CHECK(fold("moved 6.76 GB, then 100.0 % of it", 10, 10) == Lines{"moved", "6.76 GB,", "then", "100.0 % of", "it"});
    CHECK(fold("skb_copy <- tcp_ack", 13, 13) == Lines{"skb_copy", "<- tcp_ack"});
    CHECK(fold("p50 1.90 us p99", 11, 11) == Lines{"p50 1.90 us", "p99"});
}

TEST_CASE("fold: a word longer than a line is cut, at a joint where there is one") {
    CHECK(fold("abcdefghij", 4, 4) == Lines{"abcd", "efgh", "ij"});
    CHECK(fold("x abcdefg y", 4, 4) == Lines{"x", "abcd", "efg", "y"});
    CHECK(fold("abc_defgh", 6, 6) == Lines{"abc_", "defgh"});
    CHECK(fold("a_bcdefgh", 6, 6) == Lines{"a_bcde", "fgh"});  // too short a line for the joint
    CHECK(fold("\u00b7\u00b7\u00b7\u00b7\u00b7", 3, 3) == Lines{"\u00b7\u00b7\u00b7", "\u00b7\u00b7"});
}

TEST_CASE("fold: unbreakable text stays whole, and a separator does not end a line") {
    CHECK(fold(report::unbreakable("a b") + " c", 3, 3) == Lines{"a b", "c"});
    CHECK(fold(report::unbreakable("  a"), 5, 5) == Lines{"  a"});
    const std::string two = "one" + report::unbreakable(" ") + "\u00b7 two";
    CHECK(fold(two, 9, 9) == Lines{"one \u00b7 two"});
    CHECK(fold(two, 8, 8) == Lines{"one", "two"});
    CHECK(fold("one" + report::unbreakable(" ") + "| two", 8, 8) == Lines{"one", "two"});
}

TEST_CASE("printable: control characters, broken UTF-8 and signs that upset columns become question marks") {
    CHECK(printable("plain text ~", true) == "plain text ~");
    CHECK(printable("a\tb\nc\u00a0d", true) == "a b c d");
    CHECK(printable("\x1b[2J\x07\x7f", true) == "?[2J??");
    CHECK(printable("\u009b\u202e\u200b\u00ad", true) == "????");         // C1, bidirectional, zero-width, soft hyphen
    CHECK(printable("\u6f22\u0301\U0001f600", true) == "???");            // wide, combining, emoji
    CHECK(printable("\xff\xc0\x80\xe2\x82", true) == "?????");            // broken, overlong, cut short
    CHECK(printable("\xed\xa0\x80\xf4\x90\x80\x80", true) == "???????");  // surrogate, above U+10FFFF
    CHECK(printable("\u00b7\u00e9\u2264\u2190", true) == "\u00b7\u00e9\u2264\u2190");
    CHECK(printable("\u00b7 \u00b5s \u00d7 \u2264 \u2265 \u2190 \u2192 \u2014 \u2019 \u2026 \u00e9", false) ==
          "| us x <= >= <- -> - ' ... ?");
}

TEST_CASE("style: what is no terminal gets 80 columns and no colour") {
    const auto lively = environment({{"TERM", "xterm"}, {"COLUMNS", "132"}, {"LANG", "en_GB.UTF-8"}});
    const TerminalStyle chosen = report::choose_style({false, 132}, lively);
    CHECK(chosen.columns == 80);
    CHECK_FALSE(chosen.colour);
    CHECK(chosen.unicode);
}

TEST_CASE("style: the width is the terminal's, else that of COLUMNS, else 80") {
    const auto columns = [](unsigned window, const char* variable) {
        return report::choose_style({true, window}, environment({{"COLUMNS", variable}})).columns;
    };
    CHECK(columns(132, "100") == 132);
    CHECK(columns(0, "100") == 100);
    for (const char* nonsense : {"", "0", "-5", "wide", "100x", "99999999999", "10001"}) {
        CHECK(columns(0, nonsense) == 80);
    }
    CHECK(report::choose_style({true, 0}, environment({})).columns == 80);
}

TEST_CASE("style: NO_COLOR, TERM=dumb and no TERM at all mean no colour") {
    const auto colour = [](std::map<std::string, std::string> variables) {
        return report::choose_style({true, 80}, environment(std::move(variables))).colour;
    };
    CHECK(colour({{"TERM", "xterm-256color"}}));
    CHECK(colour({{"TERM", "xterm"}, {"NO_COLOR", ""}}));  // no-color.org: only if not empty
    CHECK_FALSE(colour({{"TERM", "xterm"}, {"NO_COLOR", "0"}}));
    CHECK_FALSE(colour({{"TERM", "dumb"}}));
    CHECK_FALSE(colour({}));
}

TEST_CASE("style: the first locale variable that is set tells the character set") {
    const auto unicode = [](std::map<std::string, std::string> variables) {
        return report::choose_style({true, 80}, environment(std::move(variables))).unicode;
    };
    CHECK(unicode({{"LANG", "de_DE.UTF-8"}}));
    CHECK(unicode({{"LANG", "C.utf8"}}));
    CHECK(unicode({{"LC_ALL", ""}, {"LC_CTYPE", "en_US.UTF-8"}, {"LANG", "C"}}));
    CHECK_FALSE(unicode({{"LC_ALL", "C"}, {"LANG", "en_US.UTF-8"}}));
    CHECK_FALSE(unicode({{"LANG", "de_DE.ISO-8859-1"}}));
    CHECK_FALSE(unicode({}));
}

TEST_CASE("style: a pipe is no terminal") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const Fd reader{ends[0]};
    const Fd writer{ends[1]};
    const TerminalStyle found = report::detect_style(writer.get(), environment({{"TERM", "xterm"}}));
    CHECK(found.columns == 80);
    CHECK_FALSE(found.colour);
}

TEST_CASE("style: a terminal is asked for its width") {
    const Fd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!master.valid()) {
        MESSAGE("no pseudo-terminal here (/dev/ptmx): the width of a real terminal is not tested");
        return;
    }
    REQUIRE(::grantpt(master.get()) == 0);
    REQUIRE(::unlockpt(master.get()) == 0);
    const Fd terminal{::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC)};
    REQUIRE(terminal.valid());
    const auto variables = environment({{"TERM", "xterm"}, {"COLUMNS", "90"}});
    CHECK(report::detect_style(terminal.get(), variables).columns == 90);  // a new one says 0 columns
    winsize window{};
    window.ws_col = 132;
    REQUIRE(::ioctl(terminal.get(), TIOCSWINSZ, &window) == 0);
    const TerminalStyle found = report::detect_style(terminal.get(), variables);
    CHECK(found.columns == 132);
    CHECK(found.colour);
}
