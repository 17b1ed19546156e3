// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cerrno>

#include "netns/device.h"
#include "support.h"

using namespace netio;
using namespace netio::netns;

TEST_CASE("offload: scatter-gather is switched off and on at one end, and takes segmentation along") {
    const Pair pair;
    REQUIRE(join(pair));
    CHECK(offload(pair.a, "nta", Offload::scatter_gather).value());
    CHECK(offload(pair.a, "nta", Offload::segmentation).value());

    REQUIRE(set_offload(pair.a, "nta", Offload::scatter_gather, false));
    CHECK_FALSE(offload(pair.a, "nta", Offload::scatter_gather).value());
    CHECK_FALSE(offload(pair.a, "nta", Offload::segmentation).value());
    CHECK(offload(pair.b, "ntb", Offload::scatter_gather).value());
    const auto alone = set_offload(pair.a, "nta", Offload::segmentation, true);
    REQUIRE_FALSE(alone.has_value());
    CHECK(alone.error().what == "cannot switch segmentation of device nta on");
    CHECK(alone.error().why == "the kernel accepted it and did not do it");
    check_carries(pair.a, pair.b, "10.11.0.2");

    REQUIRE(set_offload(pair.a, "nta", Offload::scatter_gather, true));
    CHECK(offload(pair.a, "nta", Offload::scatter_gather).value());
    CHECK(offload(pair.a, "nta", Offload::segmentation).value());
}

TEST_CASE("offload: checksums and segmentation are switched each by itself") {
    const Pair pair;
    REQUIRE(join(pair));
    for (const Offload feature : {Offload::transmit_checksum, Offload::segmentation}) {
        CAPTURE(to_string(feature));
        REQUIRE(set_offload(pair.a, "nta", feature, false));
        CHECK_FALSE(offload(pair.a, "nta", feature).value());
        REQUIRE(set_offload(pair.a, "nta", feature, true));
        CHECK(offload(pair.a, "nta", feature).value());
    }
}

TEST_CASE("offload: a fixed setting and a missing device are errors") {
    const Namespace ns = Namespace::create().value();
    const auto fixed = set_offload(ns, "lo", Offload::scatter_gather, false);
    REQUIRE_FALSE(fixed.has_value());
    CHECK(fixed.error().why == errno_text(EOPNOTSUPP));
    CHECK(fixed.error().code == ExitCode::privilege);
    const auto missing = offload(ns, "nobody0", Offload::scatter_gather);
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().what == "cannot read scatter-gather of device nobody0");
    CHECK(missing.error().why == errno_text(ENODEV));
}
