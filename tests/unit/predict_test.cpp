// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "explain/causes.h"
#include "prediction_fixture.h"

using namespace netio;
using namespace netio::predict;

namespace {

using Kind = Step::Kind;
using Words = std::vector<std::string>;

// "local-delivery", and "bpf-pull?" where it is possible only, in the order of the way.
Words causes_of(const Facts& facts) {
    Words causes;
    for (const Expected& cause : predict::predict(facts).causes) {
        causes.push_back(cause.cause + (cause.certain ? "" : "?"));
    }
    return causes;
}

Outcome outcome_of(const Facts& facts) {
    return predict::predict(facts).outcome;
}

bool can_hide(const Facts& facts, const std::string& cause) {
    const auto unknown = predict::predict(facts).unknown;
    return std::any_of(unknown.begin(), unknown.end(), [&](const Unknown& one) {
        return std::find(one.causes.begin(), one.causes.end(), cause) != one.causes.end();
    });
}

Facts with_device(void (*change)(Device&)) {
    Facts facts = over_veth();
    change(facts.way[0].device);
    return facts;
}

}  // namespace

TEST_CASE("predict: the receiver's socket on this machine copies, whatever the kernel") {
    for (const KernelVersion kernel : {old_kernel, new_kernel}) {
        CHECK(causes_of(over_veth(kernel)) == Words{"local-delivery"});
        CHECK(outcome_of(over_veth(kernel)) == Outcome::copied_late);
        CHECK(predict::predict(over_veth(kernel)).certain);
    }
    const Expected cause = predict::predict(over_veth()).causes.at(0);
    CHECK(cause.where == "client0 (veth)");
    CHECK(cause.place == there);
    CHECK(cause.extent == Extent::all);
    CHECK_FALSE(cause.silent);
}

TEST_CASE("predict: nothing is copied on the way out of a device that can do all") {
    CHECK(causes_of(through_nic()).empty());
    CHECK(outcome_of(through_nic()) == Outcome::not_copied);
    CHECK(can_hide(through_nic(), "private-copy"));
    CHECK(can_hide(through_nic(), "bounce-buffer"));
    CHECK_FALSE(can_hide(over_veth(), "bounce-buffer"));
    Facts copying = through_nic();
    copying.way[0].device.driver = "xen_netfront";
    CHECK(causes_of(copying) == Words{"private-copy?"});
    CHECK(outcome_of(copying) == Outcome::cannot_know);
    CHECK_FALSE(predict::predict(copying).certain);
}

TEST_CASE("predict: what the device cannot do is done before, and leaves nothing to copy") {
    const auto no_gathering = [](Device& device) { device.features.scatter_gather = false; };
    CHECK(causes_of(with_device(no_gathering)) == Words{"no-scatter-gather"});
    CHECK(outcome_of(with_device(no_gathering)) == Outcome::copied_silently);
    const auto no_checksums = [](Device& device) { device.features.checksum = false; };
    CHECK(causes_of(with_device(no_checksums)) == Words{"no-checksum-offload"});
    CHECK(outcome_of(with_device(no_checksums)) == Outcome::copied_late);
    const auto neither = [](Device& device) { device.features = {true, false, false, false, false, false}; };
    CHECK(causes_of(with_device(neither)) == Words{"no-scatter-gather"});
    const auto no_segmentation = [](Device& device) { device.features.segmentation = false; };
    CHECK(causes_of(with_device(no_segmentation)) == Words{"local-delivery"});
}

TEST_CASE("predict: features that could not be read are no features that are off") {
    const auto unread = [](Device& device) { device.features = {}; };
    const Facts facts = with_device(unread);
    CHECK(causes_of(facts) == Words{"local-delivery"});
    CHECK(can_hide(facts, "no-scatter-gather"));
    CHECK_FALSE(can_hide(over_veth(), "no-scatter-gather"));
}

TEST_CASE("predict: a tap at the sender copies a clone, one at the receiver the packet") {
    Facts near = over_veth();
    near.way[0].taps = {tap()};
    CHECK(causes_of(near) == Words{"packet-tap", "local-delivery"});
    CHECK(predict::predict(near).causes[0].extent == Extent::clone);
    CHECK(predict::predict(near).causes[0].why.find("tcpdump (pid 7)") != std::string::npos);
    Facts far = over_veth();
    far.way[1].taps = {tap()};
    CHECK(causes_of(far) == Words{"packet-tap-on-arrival"});
    Facts at_nic = through_nic();
    at_nic.way[0].taps = {tap()};
    CHECK(causes_of(at_nic) == Words{"packet-tap"});
    CHECK(outcome_of(at_nic) == Outcome::copied_late);
}

TEST_CASE("predict: a tap behind the copy finds nothing left") {
    Facts facts = over_veth();
    facts.way[0].device.features.checksum = false;
    facts.way[0].taps = {tap()};
    CHECK(causes_of(facts) == Words{"no-checksum-offload"});
}

TEST_CASE("predict: a tap of another namespace counts on older kernels, and only one of every device") {
    struct Far {
        KernelVersion kernel;
        const char* device;
        const Place& place;
        Words expected;
    };
    for (const Far& far :
         {Far{{6, 14}, "", between, {"packet-tap", "local-delivery"}},
          Far{{6, 14}, "", there, {"packet-tap", "local-delivery"}}, Far{{6, 15}, "", between, {"local-delivery"}},
          Far{{6, 14}, "eth0", between, {"local-delivery"}},
          Far{{6, 14}, "", here, {"local-delivery"}}}) {  // it is no other one, and does not see it
        Facts facts = over_veth(far.kernel);
        facts.taps = {tap("tcpdump", far.device)};
        facts.taps[0].namespace_of = far.place.name;
        CAPTURE(far.kernel.minor);
        CAPTURE(far.place.name);
        CHECK(causes_of(facts) == far.expected);
    }
}

TEST_CASE("predict: XDP at the receiver") {
    Facts facts = over_veth();
    facts.way[1].device.xdp = Xdp::generic;
    CHECK(causes_of(facts) == Words{"generic-xdp"});
    CHECK(outcome_of(facts) == Outcome::copied_late);
    facts.way[1].device.xdp = Xdp::native;
    CHECK(causes_of(facts) == Words{"native-xdp"});
    CHECK(outcome_of(facts) == Outcome::copied_silently);
    facts.way[1].device.xdp = Xdp::offloaded;
    CHECK(causes_of(facts) == Words{"local-delivery"});
    Facts sending = over_veth();
    sending.way[0].device.xdp = Xdp::generic;
    CHECK(causes_of(sending) == Words{"local-delivery"});
}

TEST_CASE("predict: a filter may copy, so that what comes after is no longer certain, and the copy is") {
    Facts facts = over_veth();
    facts.way[1].programs = {"netio_pull"};
    CHECK(causes_of(facts) == Words{"bpf-pull?", "local-delivery?"});
    CHECK(outcome_of(facts) == Outcome::copied_late);
    CHECK(predict::predict(facts).certain);
    CHECK(can_hide(facts, "forwarded-copy"));
    Facts leaving = through_nic();
    leaving.way[0].programs = {"netio_pull"};
    CHECK(causes_of(leaving) == Words{"bpf-pull?"});
    CHECK(outcome_of(leaving) == Outcome::cannot_know);
}

TEST_CASE("predict: a silent copy that may come second leaves the told one first") {
    Facts facts = over_veth();
    facts.way[0].programs = {"netio_pull"};
    facts.way[0].device.features.scatter_gather = false;
    CHECK(causes_of(facts) == Words{"bpf-pull?", "no-scatter-gather?"});
    CHECK(outcome_of(facts) == Outcome::copied_late);
}

TEST_CASE("predict: netem corrupts some packets, and the others go on") {
    Facts facts = over_veth();
    facts.way[0].device.corrupted = 0.05;
    CHECK(causes_of(facts) == Words{"netem-corrupt", "local-delivery"});
    CHECK(predict::predict(facts).causes[0].why == "netem corrupts 5.0 % of the packets");
    Facts leaving = through_nic();
    leaving.way[0].device.corrupted = 0.05;
    CHECK(outcome_of(leaving) == Outcome::copied_late);
}

TEST_CASE("predict: a namespace that forwards copies on kernels before 6.17") {
    CHECK(causes_of(through_router(new_kernel)) == Words{"local-delivery"});
    CHECK(causes_of(through_router({6, 17})) == Words{"local-delivery"});
    CHECK(causes_of(through_router({6, 16})) == Words{"forwarded-copy"});
    CHECK(predict::predict(through_router(old_kernel)).causes[0].place == between);
}

TEST_CASE("predict: packets are cut where the way narrows, if the sender allows it") {
    Facts facts = through_router();
    facts.way[2].device.mtu = 1400;
    CHECK(causes_of(facts) == Words{"local-delivery"});  // path MTU discovery makes them small enough
    facts.may_be_cut = true;
    CHECK(causes_of(facts) == Words{"fragmented", "local-delivery?"});  // of what is small enough
    CHECK(outcome_of(facts) == Outcome::copied_late);
    CHECK(predict::predict(facts).certain);
    facts.way[5].device.mtu = 1400;  // the receiver lets the sender know
    CHECK(causes_of(facts) == Words{"local-delivery"});
    Facts six = through_router();
    six.way[2].device.mtu = 1400;
    six.may_be_cut = true;
    six.target.family = AF_INET6;  // which no router cuts
    CHECK(causes_of(six) == Words{"local-delivery"});
}

TEST_CASE("predict: a process that reads the device") {
    for (const char* kind : {"tun", "tap"}) {
        Facts facts =
            facts_of({step(Kind::send, here, able("server0", kind)), step(Kind::process, here, able("server0", kind))});
        CHECK(causes_of(facts) == Words{"tun-tap"});
        CHECK(outcome_of(facts) == Outcome::copied_late);
        facts.way[0].taps = {tap()};
        CHECK(causes_of(facts) == Words{"packet-tap", "tun-tap"});
    }
}

TEST_CASE("predict: tunnels, by what the device below computes inside of them") {
    const auto tunnel_over = [](const Device& below) {
        Facts facts = over_veth();
        Step inner = step(Kind::send, here, below);
        inner.wrapped = true;
        facts.way.insert(facts.way.begin() + 1, inner);
        facts.way[0].device = able("tunnel0", "vxlan");
        return facts;
    };
    CHECK(causes_of(tunnel_over(able("server0", "veth"))) == Words{"local-delivery"});
    CHECK(causes_of(tunnel_over(able("tunnel1", "gre"))) == Words{"tunnel-without-offload"});
    CHECK(causes_of(tunnel_over(able("tunnel1", "vxlan"))) == Words{"tunnel-without-offload?", "local-delivery?"});
    Device nic = able("eth0", "");
    CHECK(causes_of(tunnel_over(nic)) == Words{"tunnel-without-offload?", "local-delivery?"});
    nic.features.tunnel = true;
    CHECK(causes_of(tunnel_over(nic)) == Words{"local-delivery"});
    CHECK(causes_of(facts_of({step(Kind::send, here, able("tunnel0", "gre")), step(Kind::leave, here, nic)})).empty());
}

TEST_CASE("predict: encryption writes new memory, unless the device does it") {
    const auto leaving = [](const Device& device) {
        return facts_of({step(Kind::send, here, device), step(Kind::leave, here, device)});
    };
    CHECK(causes_of(leaving(able("wg0", "wireguard"))) == Words{"wireguard"});
    CHECK(outcome_of(leaving(able("wg0", "wireguard"))) == Outcome::copied_silently);
    Device macsec = able("ms0", "macsec");
    macsec.features.checksum = false;
    CHECK(causes_of(leaving(macsec)) == Words{"macsec"});
    macsec.encrypts_by_itself = true;
    macsec.features.checksum = true;
    CHECK(causes_of(leaving(macsec)).empty());
    Facts ipsec = over_veth();
    ipsec.ipsec = true;
    CHECK(causes_of(ipsec) == Words{"ipsec"});
    ipsec.way[0].device.features.ipsec = true;
    CHECK(causes_of(ipsec) == Words{"ipsec?", "local-delivery?"});
}

TEST_CASE("predict: a firewall's rules may fit, after the copy of older kernels they find nothing") {
    Facts facts = over_veth();
    facts.way[0].rules = {{"connection-helper", "netio"}};
    CHECK(causes_of(facts) == Words{"connection-helper?", "local-delivery?"});
    Facts at_receiver = over_veth();
    at_receiver.way[2].rules = {{"queued-to-process", "filter"}};
    CHECK(causes_of(at_receiver) == Words{"queued-to-process?", "local-delivery?"});
    at_receiver.kernel = old_kernel;
    CHECK(causes_of(at_receiver) == Words{"local-delivery"});
}

TEST_CASE("predict: what a firewall cuts up for a process is copied without a word") {
    Facts facts = over_veth();
    facts.way[0].rules = {{"queued-to-process", "filter"}, {"connection-helper", "filter"}};
    const auto prediction = predict::predict(facts);
    CHECK(prediction.causes.at(0).silent);
    CHECK_FALSE(prediction.causes.at(1).silent);
    CHECK(prediction.unknown.at(0).causes == Words{"private-copy"});
}

TEST_CASE("predict: limits refuse calls, and change nothing else") {
    Facts facts = through_nic();
    facts.limits = {20480, 65536, false};
    CHECK(causes_of(facts) == Words{"optmem-max?", "memlock?"});
    CHECK(outcome_of(facts) == Outcome::not_copied);
    facts.limits = {20481, UINT64_MAX, false};
    CHECK(causes_of(facts).empty());
    facts.limits = {std::nullopt, 65536, true};
    CHECK(causes_of(facts).empty());
}

TEST_CASE("predict: what was not seen is not known, and what does not arrive is said") {
    Facts facts = over_veth();
    facts.way.pop_back();
    facts.way[1] = step(Kind::unseen, here, able("server0", "veth"));
    facts.way[1].note = "the other end of server0";
    CHECK(outcome_of(facts) == Outcome::cannot_know);
    CHECK(can_hide(facts, "local-delivery"));
    facts.way[0].taps = {tap()};
    CHECK(outcome_of(facts) == Outcome::copied_late);
    facts.way[1].kind = Kind::vanish;
    CHECK(outcome_of(facts) == Outcome::not_delivered);
    CHECK(outcome_of(facts_of({})) == Outcome::cannot_know);
}

TEST_CASE("predict: what the program does is unknown on every way") {
    for (const char* cause : {"not-opted-in", "mptcp", "ktls", "sockmap", "optmem-max", "memlock", "unpinnable-memory",
                              "route-without-scatter-gather", "timestamps-with-payload"}) {
        CAPTURE(cause);
        CHECK(can_hide(over_veth(), cause));
        CHECK(can_hide(through_nic(), cause));
    }
    CHECK_FALSE(can_hide(over_veth(), "local-delivery"));
}

TEST_CASE("predict: every kernel rule has its source, and an id that is none is a mistake") {
    for (const KernelRule& rule : kernel_rules()) {
        CHECK_FALSE(rule.source.empty());
        CHECK(holds(rule.id, rule.since));
        CHECK_FALSE(holds(rule.id, {rule.since.major, rule.since.minor - 1}));
    }
    CHECK(holds("forwards-user-pages", {7, 0}));
    CHECK_THROWS(holds("no-such-rule", new_kernel));
}
