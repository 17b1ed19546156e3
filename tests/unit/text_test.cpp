// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <limits>

#include "base/result.h"
#include "base/table.h"

using namespace netio;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

constexpr auto greatest = std::numeric_limits<std::uint64_t>::max();

void check_refused(const Error& error, const std::string& what, const std::string& why) {
    CHECK(error.what == what);
    CHECK(error.why == why);
    CHECK(error.code == ExitCode::usage);
    CHECK_FALSE(error.advice.empty());
}

void check_size_refused(const std::string& text, const std::string& why) {
    CAPTURE(text);
    const auto size = parse_size(text);
    REQUIRE_FALSE(size.has_value());
    check_refused(size.error(), "'" + text + "' is not a size", why);
}

void check_duration_refused(const std::string& text, const std::string& why) {
    CAPTURE(text);
    const auto duration = parse_duration(text);
    REQUIRE_FALSE(duration.has_value());
    check_refused(duration.error(), "'" + text + "' is not a duration", why);
}

}  // namespace

TEST_CASE("errno_text: description and name, or the number where there is no such error") {
    CHECK(errno_text(EPERM) == "Operation not permitted (EPERM)");
    CHECK(errno_text(ENOBUFS) == "No buffer space available (ENOBUFS)");
    CHECK(errno_text(99999) == "Unknown error 99999");
}

TEST_CASE("describe: only the parts that there are") {
    CHECK(describe({"cannot attach", "Operation not permitted (EPERM)", "run as root"}) ==
          "cannot attach: Operation not permitted (EPERM); try: run as root");
    CHECK(describe({"cannot attach", "", "run as root"}) == "cannot attach; try: run as root");
    CHECK(describe({"cannot attach", "no such probe", ""}) == "cannot attach: no such probe");
    CHECK(describe({"cannot attach", "", ""}) == "cannot attach");
}

TEST_CASE("fail_errno keeps what, why, advice and code") {
    const Error error = fail_errno("open", ENOENT, "look", ExitCode::privilege).value();
    CHECK(error.what == "open");
    CHECK(error.why == "No such file or directory (ENOENT)");
    CHECK(error.advice == "look");
    CHECK(error.code == ExitCode::privilege);
}

TEST_CASE("format_count: groups of three") {
    CHECK(format_count(0) == "0");
    CHECK(format_count(999) == "999");
    CHECK(format_count(1000) == "1 000");
    CHECK(format_count(412331) == "412 331");
    CHECK(format_count(greatest) == "18 446 744 073 709 551 615");
}

TEST_CASE("format_bytes: three digits, and rounding never makes a fourth") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(999) == "999 B");
    CHECK(format_bytes(1000) == "1.00 kB");
    CHECK(format_bytes(9994) == "9.99 kB");
    CHECK(format_bytes(9996) == "10.0 kB");
    CHECK(format_bytes(99'960) == "100 kB");
    CHECK(format_bytes(999'499) == "999 kB");
    CHECK(format_bytes(999'500) == "1.00 MB");
    CHECK(format_bytes(6'760'000'000) == "6.76 GB");
    CHECK(format_bytes(greatest) == "18.4 EB");
}

TEST_CASE("format_duration") {
    CHECK(format_duration(0ns) == "0 ns");
    CHECK(format_duration(850ns) == "850 ns");
    CHECK(format_duration(1900ns) == "1.90 us");
    CHECK(format_duration(24us) == "24.0 us");
    CHECK(format_duration(61300us) == "61.3 ms");
    CHECK(format_duration(999'999us) == "1.00 s");
    CHECK(format_duration(5s) == "5.00 s");
    CHECK(format_duration(1h) == "3600 s");
    CHECK(format_duration(-850ns) == "-850 ns");
    CHECK(format_duration(-24us) == "-24.0 us");
}

TEST_CASE("format_bit_rate and format_ratio") {
    CHECK(format_bit_rate(0) == "0.00 b/s");
    CHECK(format_bit_rate(512) == "512 b/s");
    CHECK(format_bit_rate(10.8e9) == "10.8 Gb/s");
    CHECK(format_bit_rate(2.5e15) == "2500 Tb/s");
    CHECK(format_ratio(1) == "1.00");
    CHECK(format_ratio(0.614, 1) == "0.6");
    CHECK(format_ratio(3, 0) == "3");
}

TEST_CASE("format_percent: a part is neither nothing nor the whole") {
    CHECK(format_percent(0) == "0.0 %");
    CHECK(format_percent(1e-9) == "<0.1 %");
    CHECK(format_percent(0.000499) == "<0.1 %");
    CHECK(format_percent(0.001) == "0.1 %");
    CHECK(format_percent(0.5) == "50.0 %");
    CHECK(format_percent(0.9994) == "99.9 %");
    CHECK(format_percent(0.99999) == "99.9 %");
    CHECK(format_percent(1) == "100.0 %");
    CHECK(format_percent(1.00001) == ">100.0 %");
    CHECK(format_percent(2) == "200.0 %");
}

TEST_CASE("parse_size: units") {
    CHECK(parse_size("0") == 0);
    CHECK(parse_size("4093") == 4093);
    CHECK(parse_size("8B") == 8);
    for (const char* text : {"16K", "16k", "16KiB", "16kib"}) {
        CHECK(parse_size(text) == 16384);
    }
    CHECK(parse_size("16KB") == 16000);
    CHECK(parse_size("16kB") == 16000);
    CHECK(parse_size("1M") == 1048576);
    CHECK(parse_size("1MiB") == 1048576);
    CHECK(parse_size("1MB") == 1000000);
    CHECK(parse_size("1G") == 1073741824);
    CHECK(parse_size("2GiB") == 2147483648);
    CHECK(parse_size("2GB") == 2000000000);
}

TEST_CASE("parse_size: fractions that are whole numbers of bytes") {
    CHECK(parse_size("1.5K") == 1536);
    CHECK(parse_size("0.5M") == 524288);
    CHECK(parse_size("2.50KB") == 2500);
    CHECK(parse_size("4093.000") == 4093);
    CHECK(parse_size("0.001KB") == 1);
    check_size_refused("1.5", "it is not a whole number of bytes");
    check_size_refused("0.1K", "it is not a whole number of bytes");
    check_size_refused("1.0000000000000000000000000000001K", "it is not a whole number of bytes");
    check_size_refused("0.99999999999999999999K", "it is not a whole number of bytes");
}

TEST_CASE("parse_size: up to the greatest number and not beyond") {
    const std::string too_much = "it is more than 18446744073709551615 bytes";
    CHECK(parse_size("18446744073709551615") == greatest);
    CHECK(parse_size("17179869183G") == 17179869183ULL << 30);
    CHECK(parse_size("17179869183.5G") == (17179869183ULL << 30) + (1ULL << 29));
    check_size_refused("18446744073709551616", too_much);
    check_size_refused("99999999999999999999999999", too_much);
    check_size_refused("17179869184G", too_much);
}

TEST_CASE("parse_size: each error says what is wrong") {
    check_size_refused("", "it is empty");
    check_size_refused("-1", "a size cannot be negative");
    check_size_refused("-", "a size cannot be negative");
    check_size_refused("K", "it does not begin with a digit");
    check_size_refused(" 16", "it does not begin with a digit");
    check_size_refused("+16", "it does not begin with a digit");
    check_size_refused(".5K", "it does not begin with a digit");
    check_size_refused("16.K", "no digit follows the point");
    check_size_refused("16Q", "unknown unit 'Q'");
    check_size_refused("16Kb/s", "unexpected '/s' at the end");
    check_size_refused("16K ", "unexpected ' ' at the end");
    check_size_refused("16_384", "unexpected '_384' at the end");
    check_size_refused("0x10", "unexpected '10' at the end");
    check_size_refused("1.2.3", "unexpected '.3' at the end");
}

TEST_CASE("parse_duration") {
    CHECK(parse_duration("5") == 5s);
    CHECK(parse_duration("5s") == 5s);
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("250us") == 250us);
    CHECK(parse_duration("250µs") == 250us);
    CHECK(parse_duration("7ns") == 7ns);
    CHECK(parse_duration("2m") == 2min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("0") == 0ns);
    CHECK(parse_duration("0.25") == 250ms);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("9223372036854775807ns") == std::chrono::nanoseconds::max());
}

TEST_CASE("parse_duration: errors") {
    check_duration_refused("", "it is empty");
    check_duration_refused("-5s", "a duration cannot be negative");
    check_duration_refused("soon", "it does not begin with a digit");
    check_duration_refused("5 s", "unexpected ' s' at the end");
    check_duration_refused("5d", "unknown unit 'd'");
    check_duration_refused("1h30m", "unexpected '30m' at the end");
    check_duration_refused("0.5ns", "it is not a whole number of nanoseconds");
    check_duration_refused("9223372036854775808ns", "it is more than 9223372036854775807 nanoseconds");
    check_duration_refused("9999999999h", "it is more than 9223372036854775807 nanoseconds");
}

TEST_CASE("nearest: edits up to len/3 + 1, abbreviations, or nothing") {
    constexpr std::array<std::string_view, 4> modes{"two-copy", "per-field", "one-copy", "zerocopy"};
    CHECK(nearest("zercopy", modes) == "zerocopy");
    CHECK(nearest("zero-copy", modes) == "zerocopy");
    CHECK(nearest("ZEROCOPY", modes) == "zerocopy");
    CHECK(nearest("perfield", modes) == "per-field");
    CHECK(nearest("too-copy", modes) == "two-copy");
    CHECK(nearest("zero", modes) == "zerocopy");
    CHECK(nearest("one", modes) == "one-copy");
    CHECK(nearest("splice", modes) == "");
    CHECK(nearest("", modes) == "");
    CHECK(nearest("zerocopy", {}) == "");
}

TEST_CASE("nearest: the limit itself, ties, and words of one letter") {
    constexpr std::array<std::string_view, 2> words{"abcdef", "abcxyz"};
    CHECK(nearest("xbxxef", words) == "abcdef");  // 3 edits of 6/3 + 1
    CHECK(nearest("xbxxxf", words) == "");        // 4 edits
    CHECK(nearest("abc", words) == "");           // two begin like this, and both are 3 edits away of 2
    CHECK(nearest("abcdyz", words) == "abcxyz");  // 1 edit, not 2
    constexpr std::array<std::string_view, 2> letters{"a", "lo"};
    CHECK(nearest("b", letters) == "");
    CHECK(nearest("l", letters) == "lo");
}

TEST_CASE("split, join, trim") {
    CHECK(split("a,b,,c", ',') == Lines{"a", "b", "", "c"});
    CHECK(split("", ',') == Lines{""});
    CHECK(split("a,", ',') == Lines{"a", ""});
    CHECK(join(Lines{"a", "b", "c"}, ", ") == "a, b, c");
    CHECK(join(Lines{"", ""}, "-") == "-");
    CHECK(join(Lines{}, ", ") == "");
    CHECK(trim(" \t a b \r\n") == "a b");
    CHECK(trim(" \n ") == "");
    CHECK(trim("") == "");
}

TEST_CASE("display_width, first_columns, elide count code points") {
    CHECK(display_width("") == 0);
    CHECK(display_width("abc") == 3);
    CHECK(display_width("µ·…𝄞") == 4);
    CHECK(first_columns("µ·…𝄞", 3) == "µ·…");
    CHECK(first_columns("ab", 0) == "");
    CHECK(first_columns("ab", 5) == "ab");
    CHECK(elide("abcdef", 6) == "abcdef");
    CHECK(elide("abcdef", 5) == "abcd…");
    CHECK(elide("µµµµ", 2) == "µ…");
    CHECK(elide("abc", 1) == "…");
    CHECK(elide("abc", 0) == "");
}

TEST_CASE("valid_utf8 replaces exactly the bytes that are not well-formed") {
    CHECK(valid_utf8("") == "");
    CHECK(valid_utf8("aµ…𝄞z") == "aµ…𝄞z");
    CHECK(valid_utf8("a\xFFz") == "a\uFFFDz");
    CHECK(valid_utf8("\x80") == "\uFFFD");
    CHECK(valid_utf8("a\xC2") == "a\uFFFD");                              // cut off
    CHECK(valid_utf8("\xC3(") == "\uFFFD(");                              // no continuation
    CHECK(valid_utf8("\xC0\xAF") == "\uFFFD\uFFFD");                      // overlong
    CHECK(valid_utf8("\xE0\x80\xAF") == "\uFFFD\uFFFD\uFFFD");            // overlong
    CHECK(valid_utf8("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");            // surrogate
    CHECK(valid_utf8("\xF0\x80\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // overlong
    CHECK(valid_utf8("\xF4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
    CHECK(valid_utf8("\xED\x9F\xBF\xF4\x8F\xBF\xBF") == "\xED\x9F\xBF\xF4\x8F\xBF\xBF");
}

TEST_CASE("wrap") {
    CHECK(wrap("", 10) == Lines{});
    CHECK(wrap("one two three", 7) == Lines{"one two", "three"});
    CHECK(wrap("one two three", 13) == Lines{"one two three"});
    CHECK(wrap("one  two ", 80) == Lines{"one two"});
    CHECK(wrap("a longestword b", 5) == Lines{"a", "longestword", "b"});
    CHECK(wrap("µµ µµ µµ", 5) == Lines{"µµ µµ", "µµ"});
    CHECK(wrap("one\n\ntwo", 80) == Lines{"one", "", "two"});
}

TEST_CASE("wrap keeps the digit groups of a number together") {
    CHECK(wrap("All 412 331 sends", 7) == Lines{"All", "412 331", "sends"});
    CHECK(wrap("1 412 331 sends", 4) == Lines{"1 412 331", "sends"});
    CHECK(wrap("port 80 22", 7) == Lines{"port 80", "22"});
}

TEST_CASE("table: columns are as wide as their widest cell, numbers to the right") {
    Table table({{"account"}, {"bytes", Align::right}, {"where"}});
    table.add_row({"pinned", "6.76 GB", "skb_zerocopy_iter_stream"});
    table.add_row({"copied late", "0 B"});
    CHECK(table.rows() == 2);
    CHECK(table.lines() == Lines{"account        bytes  where", "pinned       6.76 GB  skb_zerocopy_iter_stream",
                                 "copied late      0 B"});
    CHECK_THROWS_AS(table.add_row({"1", "2", "3", "4"}), std::invalid_argument);
}

TEST_CASE("table: indent, gap, min_width, no titles") {
    Table table({{"a", Align::left, 5}, {"b", Align::right, 3}});
    table.add_row({"µ", "1"});
    CHECK(table.lines({.indent = 2, .gap = 1, .titles = false}) == Lines{"  µ       1"});
    CHECK(Table({{"a"}, {"b"}}).lines() == Lines{"a  b"});
    CHECK(Table({}).lines() == Lines{""});
}

TEST_CASE("table: the widest column that may narrow gives way, to its min_width and no further") {
    Table table({{"", Align::left, 0, Narrow::never}, {"", Align::left, 4, Narrow::ellipsis}});
    table.add_row({"fixed", "abcdefghij"});
    const auto at = [&table](std::size_t width) { return table.lines({.width = width, .titles = false}); };
    CHECK(at(17) == Lines{"fixed  abcdefghij"});
    CHECK(at(0) == Lines{"fixed  abcdefghij"});
    CHECK(at(16) == Lines{"fixed  abcdefgh…"});
    CHECK(at(11) == Lines{"fixed  abc…"});
    CHECK(at(3) == Lines{"fixed  abc…"});
}

TEST_CASE("table: a wrapped cell goes on below, its neighbours stay on the first line") {
    Table table({{"cause", Align::left}, {"why", Align::left, 0, Narrow::wrap}, {"B", Align::right}});
    table.add_row({"tap", "a socket sees every packet", "12"});
    table.add_row({"lo", "short", "3"});
    CHECK(table.lines({.width = 24}) == Lines{"cause  why             B", "tap    a socket sees  12",
                                              "       every packet", "lo     short           3"});
}

TEST_CASE("table: in a wrapped column a word that is too long is cut") {
    Table table({{"", Align::left, 0, Narrow::wrap}});
    table.add_row({"ab skb_copy_ubufs"});
    CHECK(table.lines({.width = 6, .titles = false}) == Lines{"ab", "skb_co", "py_ubu", "fs"});
    CHECK(table.lines({.width = 1, .titles = false}).size() == 16);
}
