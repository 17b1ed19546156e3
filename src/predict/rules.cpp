// SPDX-License-Identifier: MIT
#include "predict/rules.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "base/words.h"

namespace netio::predict {

namespace {

using Kind = Step::Kind;

// Drivers that move packets into memory of their own, all or some of them (causes.json: private-copy).
bool driver_may_copy(std::string_view driver) {
    return is_one_of(driver, {"8139too", "gve", "hns3", "hv_netvsc", "ibmveth", "macb", "qca_spi", "r8152", "sfc",
                              "tg3", "usbnet", "ax88179_178a", "vif", "xen_netfront"});
}

std::string spell_tap(const model::TapFacts& tap) {
    return tap.pid > 0 ? fmt::format("{} (pid {})", tap.command, tap.pid) : "a packet socket whose owner was not seen";
}

std::string spell_taps(const std::vector<model::TapFacts>& taps) {
    std::vector<std::string> owners;
    for (const auto& tap : taps) {
        owners.push_back(spell_tap(tap));
    }
    return join(owners, ", ");
}

// What the device below makes of checksums inside of tunnels (net_device.hw_enc_features), which no call tells. Read in
// the drivers: veth, dummy, macvlan and ipvlan offer there what they offer for all; GRE devices and lo offer nothing.
enum class Inside : std::uint8_t { computes, computes_not, unknown };
Inside checksums_inside(const Device& device) {
    if (is_one_of(device.kind, {"veth", "dummy", "macvlan", "ipvlan", "netkit"}) || device.features.tunnel) {
        return Inside::computes;
    }
    if (is_one_of(device.kind, {"gre", "gretap"})) {
        return Inside::computes_not;
    }
    return Inside::unknown;
}

// Goes along the way, in the order in which the kernel handles a packet, and keeps what is left to copy.
class Reckoning {
 public:
    explicit Reckoning(const Facts& facts) : facts_(facts) {}

    Prediction result();

 private:
    void expect(const Step& at, Expected cause);
    void take(const Step& step);
    void send(const Step& step);
    void hand_to_driver(const Step& step);
    void validate(const Step& step);
    void tap_outgoing(const Step& step);
    void receive(const Step& step);
    void forward(const Step& step);
    void filter(const Step& step);
    void pass_firewall(const Step& step);
    void deliver(const Step& step);
    void leave(const Step& step);
    void bound();
    void ask_of_program();
    std::uint32_t packet_bytes() const;
    void conclude();

    const Facts& facts_;
    Prediction prediction_;
    bool copied_ = false;        // nothing of the program's pages is left in the packet
    bool maybe_copied_ = false;  // the same, perhaps
    bool first_send_ = true;
};

void Reckoning::expect(const Step& at, Expected cause) {
    if (copied_) {
        return;
    }
    cause.where = spell_device(at.device);
    cause.place = at.place;
    if (cause.extent == Extent::all) {
        copied_ = cause.certain;
    }
    const bool total = (cause.extent == Extent::all && !cause.certain) || cause.extent == Extent::most;
    cause.certain = cause.certain && !maybe_copied_;
    maybe_copied_ = maybe_copied_ || total;
    prediction_.causes.push_back(std::move(cause));
}

// What a filter does is its own affair: it may read payload, lose packets, send them elsewhere.
void Reckoning::filter(const Step& step) {
    for (const std::string& program : step.programs) {
        expect(step, {.cause = "bpf-pull",
                      .certain = false,
                      .why = fmt::format("the filter {} may pull the payload into one piece", program)});
        prediction_.unknown.push_back(
            {fmt::format("what the filter {} of {} does with packets", program, step.device.name),
             {"bpf-pull", "forwarded-copy"}});
    }
}

void Reckoning::pass_firewall(const Step& step) {
    for (const FirewallRule& rule : step.rules) {
        expect(step, {.cause = rule.cause,
                      .certain = false,
                      .silent = rule.cause == "queued-to-process",  // but for packets that need no cutting
                      .why = fmt::format("the table {} of nftables in {} has a rule for it, which may fit", rule.table,
                                         step.place.name)});
        if (rule.cause == "queued-to-process") {
            prediction_.unknown.push_back(
                {fmt::format("what the process does with packets that a rule in {} queues to it", step.place.name),
                 {"private-copy"}});
        }
    }
}

// validate_xmit_skb: what the device cannot do, the kernel does before.
void Reckoning::validate(const Step& step) {
    const Device& device = step.device;
    if (device.kind == "macsec" && !device.encrypts_by_itself) {
        expect(step, {.cause = "macsec", .why = "it encrypts in software"});
        return;
    }
    if (!device.features.known) {
        prediction_.unknown.push_back(
            {"the features of " + device.name, {"no-scatter-gather", "no-checksum-offload", "tunnel-without-offload"}});
        return;
    }
    if (!device.features.scatter_gather) {
        expect(step, {.cause = "no-scatter-gather", .silent = true, .why = "its scatter-gather is off"});
    } else if (!device.features.checksum) {
        expect(step, {.cause = "no-checksum-offload", .why = "its transmit checksums are off"});
    } else if (step.wrapped && checksums_inside(device) != Inside::computes) {
        const bool certain = checksums_inside(device) == Inside::computes_not;
        expect(step, {.cause = "tunnel-without-offload",
                      .certain = certain,
                      .why = certain ? "it computes no checksums inside of what is wrapped"
                                     : "it may compute no checksums inside of what is wrapped, and does not say"});
    }
}

void Reckoning::tap_outgoing(const Step& step) {
    if (!step.taps.empty()) {
        expect(step, {.cause = "packet-tap", .extent = Extent::clone, .why = "taken by " + spell_taps(step.taps)});
        return;
    }
    std::vector<model::TapFacts> far;  // one that is bound to a device gets the packets of that alone
    std::copy_if(facts_.taps.begin(), facts_.taps.end(), std::back_inserter(far),
                 [&](const model::TapFacts& tap) { return tap.device.empty() && tap.namespace_of != step.place.name; });
    if (!far.empty() && !holds("taps-are-of-a-namespace", facts_.kernel)) {
        expect(step, {.cause = "packet-tap",
                      .extent = Extent::clone,
                      .why = "on this kernel a tap of another namespace gets a clone too: " + spell_taps(far)});
    }
}

void Reckoning::hand_to_driver(const Step& step) {
    const Device& device = step.device;
    if (is_one_of(device.kind, {"tun", "tap"})) {
        expect(step, {.cause = "tun-tap", .why = "a process reads its packets"});
    } else if (device.kind == "wireguard") {
        expect(step, {.cause = "wireguard", .silent = true, .why = "it encrypts in software"});
    } else if (device.kind.empty() && driver_may_copy(device.driver)) {
        expect(step, {.cause = "private-copy",
                      .certain = false,
                      .silent = true,
                      .why = "its driver is known to copy packets, all or some of them"});
    }
}

void Reckoning::send(const Step& step) {
    pass_firewall(step);
    if (facts_.ipsec && std::exchange(first_send_, false)) {
        const bool offloaded = step.device.features.ipsec;
        expect(step, {.cause = "ipsec",
                      .certain = !offloaded,
                      .why = offloaded ? "a policy asks for IPsec, which the device may do itself"
                                       : "a policy asks for IPsec, which the device does not do itself"});
    }
    filter(step);
    if (step.device.corrupted > 0) {
        expect(step, {.cause = "netem-corrupt",
                      .extent = Extent::some,
                      .why = fmt::format("netem corrupts {} of the packets", format_percent(step.device.corrupted))});
    }
    validate(step);
    tap_outgoing(step);
    hand_to_driver(step);
}

void Reckoning::receive(const Step& step) {
    if (step.device.xdp == Xdp::native && step.device.kind == "veth") {
        expect(step, {.cause = "native-xdp", .silent = true, .why = "an XDP program is attached in native mode"});
    }
    if (step.device.xdp == Xdp::generic) {
        expect(step, {.cause = "generic-xdp", .why = "an XDP program is attached in generic mode"});
    }
    if (!step.taps.empty()) {
        expect(step, {.cause = "packet-tap-on-arrival", .why = "taken by " + spell_taps(step.taps)});
    }
    filter(step);
}

// The largest packet that the sender makes for this receiver: its own device's, and what the receiver's lets it know
// when they connect (TCP's maximum segment size).
std::uint32_t Reckoning::packet_bytes() const {
    std::uint32_t bytes = facts_.route.mtu;
    for (const Step& step : facts_.way) {
        const bool of_an_end = &step == &facts_.way.front() || step.kind == Kind::deliver;
        if (of_an_end && step.device.mtu != 0) {
            bytes = bytes == 0 ? step.device.mtu : std::min(bytes, step.device.mtu);
        }
    }
    return bytes;
}

void Reckoning::forward(const Step& step) {
    if (!holds("forwards-user-pages", facts_.kernel)) {
        expect(step, {.cause = "forwarded-copy", .why = "this kernel copies user pages where they are forwarded"});
    }
    pass_firewall(step);
    const bool too_large = step.device.mtu != 0 && step.device.mtu < packet_bytes();
    if (too_large && facts_.may_be_cut && facts_.target.family == AF_INET) {
        expect(step, {.cause = "fragmented",
                      .extent = Extent::most,  // the end of a message may be small enough as it is
                      .why = fmt::format("{} takes packets of {} B, and the sender makes larger ones that may be cut",
                                         step.device.name, step.device.mtu)});
    }
}

void Reckoning::deliver(const Step& step) {
    if (holds("forwards-user-pages", facts_.kernel)) {  // before, the copy comes before the firewall
        pass_firewall(step);
    }
    expect(step, {.cause = "local-delivery",
                  .why = (step.wrapped ? "the tunnel ends in " : "the address is one of ") + step.place.name});
}

// The device's own driver is the last that this machine knows of a packet.
void Reckoning::leave(const Step& step) {
    if (step.device.kind.empty()) {
        prediction_.unknown.push_back(
            {fmt::format("whether the driver of {} copies into memory of its own, and what is beyond it",
                         step.device.name),
             {"private-copy", "bounce-buffer"}});
    }
}

void Reckoning::take(const Step& step) {
    switch (step.kind) {
        case Kind::send:
            return send(step);
        case Kind::receive:
            return receive(step);
        case Kind::forward:
            return forward(step);
        case Kind::deliver:
            return deliver(step);
        case Kind::leave:
            return leave(step);
        case Kind::unseen:
            prediction_.unknown.push_back({step.note,
                                           {"local-delivery", "forwarded-copy", "packet-tap-on-arrival", "generic-xdp",
                                            "native-xdp", "bpf-pull"}});
            return;
        case Kind::process:
        case Kind::vanish:
            return;
    }
}

// Limits refuse calls; they do not change what becomes of the others.
void Reckoning::bound() {
    const auto refuse = [&](std::string cause, std::string why) {
        prediction_.causes.push_back({.cause = std::move(cause),
                                      .certain = false,
                                      .extent = Extent::call,
                                      .where = "",
                                      .place = facts_.sender,
                                      .why = std::move(why)});
    };
    const auto& option_memory = facts_.limits.option_memory_bytes;
    if (option_memory && *option_memory <= model::small_option_memory_bytes) {
        refuse("optmem-max", fmt::format("net.core.optmem_max is {} B, which calls in flight may fill",
                                         format_count(*option_memory)));
    }
    const auto& locked = facts_.limits.locked_memory_bytes;
    if (locked && *locked != UINT64_MAX && !facts_.limits.locked_memory_skipped) {
        refuse("memlock",
               fmt::format("RLIMIT_MEMLOCK is {} B, for all calls in flight of a user", format_count(*locked)));
    }
}

void Reckoning::ask_of_program() {
    prediction_.unknown.push_back(
        {"what the program does: whether it sets SO_ZEROCOPY, reads its completions in time, and has limits of its "
         "own; "
         "whether it uses Multipath TCP, TLS in the kernel, sockets in a BPF map, TCP-MD5, Fast Open, time stamps with "
         "payload, or memory that "
         "cannot be pinned",
         {"not-opted-in", "mptcp", "ktls", "sockmap", "fast-open", "optmem-max", "memlock", "unpinnable-memory",
          "route-without-scatter-gather", "timestamps-with-payload"}});
}

// One byte that is copied and flagged flags the whole call (msg_zerocopy_complete), whatever else is silent.
void Reckoning::conclude() {
    const auto& causes = prediction_.causes;
    const auto is_any = [&](auto condition) { return std::any_of(causes.begin(), causes.end(), condition); };
    const bool clone_or_some = is_any([](const Expected& cause) {
        return cause.certain && cause.extent != Extent::all && cause.extent != Extent::call;
    });
    const bool all_silent =
        !is_any([](const Expected& cause) { return !cause.silent && cause.extent != Extent::call; });
    const Kind end = facts_.way.empty() ? Kind::unseen : facts_.way.back().kind;
    prediction_.certain = true;
    if (end == Kind::vanish) {
        prediction_.outcome = Outcome::not_delivered;
    } else if (copied_) {
        prediction_.outcome = all_silent ? Outcome::copied_silently : Outcome::copied_late;
    } else if (clone_or_some) {
        prediction_.outcome = Outcome::copied_late;
    } else if (maybe_copied_ || end == Kind::unseen) {
        prediction_.outcome = Outcome::cannot_know;
        prediction_.certain = false;
    } else {
        prediction_.outcome = Outcome::not_copied;
    }
}

Prediction Reckoning::result() {
    for (const Step& step : facts_.way) {
        take(step);
    }
    conclude();
    bound();
    for (const Unknown& unknown : facts_.unknown) {
        prediction_.unknown.push_back(unknown);
    }
    ask_of_program();
    return std::move(prediction_);
}

}  // namespace

std::string spell_device(const Device& device) {
    const std::string& kind = device.kind.empty() ? device.driver : device.kind;
    return kind.empty() || device.loopback ? device.name : device.name + " (" + kind + ")";
}

Prediction predict(const Facts& facts) {
    return Reckoning(facts).result();
}

}  // namespace netio::predict
