// SPDX-License-Identifier: MIT
#include "ledger/profile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture_fixture.h"
#include "explain/explain.h"
#include "model/json.h"
#include "profile_fixture.h"
#include "report/folded.h"
#include "report/json.h"
#include "stats/proportion.h"

namespace {

using namespace netio;
using ledger::summarize_profile;
using model::Figure;
using model::Profile;
using model::ProfileFacts;
using model::Runner;
using model::StageCost;

const StageCost& stage(const Profile& profile, std::string_view id) {
    const auto found = std::ranges::find(profile.stages, id, &StageCost::id);
    REQUIRE_MESSAGE(found != profile.stages.end(), std::string(id));
    return *found;
}

std::uint64_t samples_of(const StageCost& cost) {
    return cost.server.samples + cost.client.samples + cost.elsewhere.samples;
}

Profile folded_profile(std::uint64_t payload_bytes = 1'000'000) {
    return summarize_profile(test::profile_facts(), Figure<std::uint64_t>(payload_bytes));
}

}  // namespace

TEST_CASE("profile: every sample is in one class, and the classes sum up to all of them") {
    const Profile profile = folded_profile();
    std::uint64_t samples = 0;
    double per_byte = 0;
    double share = 0;
    for (const StageCost& cost : profile.stages) {
        samples += samples_of(cost);
        per_byte += cost.per_byte.value();
        share += cost.share;
    }
    CHECK(samples == 100);
    CHECK(profile.samples == 100);
    CHECK(samples_of(profile.total) == 100);
    CHECK(per_byte == doctest::Approx(profile.total.per_byte.value()));
    CHECK(share == doctest::Approx(1));
    CHECK(profile.total.per_byte.value() == doctest::Approx(0.1));  // 100 samples of 1000 ns, 1 MB
}

TEST_CASE("profile: whose task it was, and what it was doing") {
    const Profile profile = folded_profile();
    CHECK(stage(profile, "program").server.samples == 10);
    CHECK(stage(profile, "copy-in").per_byte.value() == 0);
    CHECK(stage(profile, "copy-late").server.samples == 20);
    CHECK(stage(profile, "copy-late").client.samples == 0);
    CHECK(stage(profile, "copy-out").client.samples == 30);
    CHECK(stage(profile, "copy-out").client_per_byte.value() == doctest::Approx(0.03));
    CHECK(stage(profile, "copy-late").per_byte.value() == doctest::Approx(0.02));
    CHECK(stage(profile, "page-pinning").server.samples == 15);
    CHECK(stage(profile, "tcp-ip").elsewhere.samples == 5);
    CHECK(stage(profile, "tcp-ip").elsewhere_per_byte.value() == doctest::Approx(0.005));
    CHECK(stage(profile, "other").server.samples == 8);
    CHECK(stage(profile, "locks").client.samples == 12);
    CHECK(stage(profile, "scheduling").per_byte.value() == 0);
    CHECK(profile.stages.front().id == "program");
    CHECK(profile.stages.back().id == "other");
}

TEST_CASE("profile: what is named is a share of the workload's own kernel samples") {
    // 20 + 30 + 15 + 12 of 85: neither the program's samples nor those elsewhere are in it.
    CHECK(folded_profile().named_share.value() == doctest::Approx(77.0 / 85));
    ProfileFacts nothing;
    CHECK(summarize_profile(nothing, Figure<std::uint64_t>(1)).named_share.reason() ==
          "no sample hit server or client in the kernel");
}

TEST_CASE("profile: the functions that put most samples into a class, those of other as they are") {
    const Profile profile = folded_profile();
    CHECK(stage(profile, "copy-out").functions == std::vector<std::string>{"_copy_to_iter"});
    CHECK(stage(profile, "page-pinning").functions == std::vector<std::string>{"gup_fast_fallback"});
    CHECK(stage(profile, "other").functions == std::vector<std::string>{"frobnicate"});
    CHECK(stage(profile, "program").functions.empty());
}

TEST_CASE("profile: without payload there is nothing to divide by, and shares stay") {
    const Profile profile = summarize_profile(test::profile_facts(), Figure<std::uint64_t>(0));
    CHECK(profile.total.per_byte.reason() == "no payload was sent");
    CHECK(stage(profile, "copy-out").share == doctest::Approx(0.3));
    const auto unknown = Figure<std::uint64_t>::missing("not traced");
    CHECK(summarize_profile(test::profile_facts(), unknown).total.per_byte.reason() == "not traced");
}

TEST_CASE("profile: a counter that shared its hardware is scaled, and says so") {
    ProfileFacts facts = test::profile_facts();
    facts.enabled_ns = 1000;
    facts.running_ns = 250;
    const Profile profile = summarize_profile(facts, Figure<std::uint64_t>(1'000'000));
    CHECK(profile.running_share == doctest::Approx(0.25));
    CHECK(profile.total.per_byte.value() == doctest::Approx(0.4));
}

TEST_CASE("profile: how much of what was counted the samples stand for") {
    ProfileFacts facts = test::profile_facts();
    CHECK(folded_profile().covered_share.value() == doctest::Approx(1));
    facts.counted = Figure<std::uint64_t>::missing("could not be read");
    CHECK(summarize_profile(facts, Figure<std::uint64_t>(1)).covered_share.reason() == "could not be read");
}

TEST_CASE("proportion: Wilson's interval") {
    // Half the widths of the intervals of Newcombe (1998), table I, method 3: 81 of 263 is 0.2553 to 0.3662, 0 of 20 is
    // 0 to 0.1611.
    CHECK(stats::proportion_margin(81.0 / 263, 263) == doctest::Approx((0.3662 - 0.2553) / 2).epsilon(0.001));
    CHECK(stats::proportion_margin(0, 20) == doctest::Approx(0.1611 / 2).epsilon(0.001));
    CHECK(stats::proportion_margin(0.5, 0) == 1);
    CHECK(stats::proportion_margin(1, 20) == doctest::Approx(stats::proportion_margin(0, 20)));
}

TEST_CASE("profile: a capture keeps it, and one without has no key") {
    model::Capture capture = test::delivered_capture();
    CHECK_FALSE(model::to_json(capture).contains("profile"));
    CHECK(model::capture_from_json(model::to_json(capture)) == capture);
    capture.profile = test::profile_facts();
    const auto read = model::capture_from_json(model::to_json(capture));
    REQUIRE(read);
    CHECK(*read == capture);
    auto json = model::to_json(capture);
    json["profile"]["stacks"][0]["runner"] = "nobody";
    const auto wrong = model::capture_from_json(json);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().why == "profile.stacks[0].runner: unknown runner 'nobody'");
}

TEST_CASE("profile: the report has it from the capture") {
    model::Capture capture = test::delivered_capture();
    CHECK_FALSE(explain::build_report(capture).profile);
    capture.profile = test::profile_facts();
    const auto report = explain::build_report(capture);
    REQUIRE(report.profile);
    CHECK(*report.profile == summarize_profile(*capture.profile, Figure<std::uint64_t>(test::payload)));
    const auto json = model::parse_json(report::render_json(report, capture));
    REQUIRE(json);
    CHECK(json->at("profile").at("stages").size() == ledger::stages().rows().size() + 2);
}

TEST_CASE("folded: one line a stack, outermost first, two tasks of one name together") {
    CHECK(report::render_folded(test::profile_facts()) ==
          "ksoftirqd/0;run_ksoftirqd;handle_softirqs;net_rx_action;tcp_v4_rcv 5\n"
          "netio-client;do_syscall_64;__sys_recvfrom;tcp_recvmsg_locked;_copy_to_iter;rep_movs_alternative 30\n"
          "netio-client;do_syscall_64;__sys_recvfrom;tcp_recvmsg_locked;_raw_spin_lock_bh 12\n"
          "netio-server;do_syscall_64;__x64_sys_frobnicate;frobnicate 8\n"
          "netio-server;do_syscall_64;tcp_sendmsg_locked;__zerocopy_sg_from_iter;gup_fast_fallback 15\n"
          "netio-server;handle_softirqs;tcp_v4_rcv;skb_copy_ubufs;memcpy 20\n"
          "netio-server;program 10\n");
}

TEST_CASE("folded: names cannot break a line apart") {
    ProfileFacts facts;
    model::ProfileStack stack;
    stack.task = "a b;c\n\xff";
    stack.frames = {"", "[unknown]"};
    stack.samples = 1;
    facts.stacks = {stack, stack};
    CHECK(report::render_folded(facts) == "a_b_c_\xef\xbf\xbd;[unknown];_ 2\n");
}
