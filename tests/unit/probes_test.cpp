// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fake_root.h"
#include "probes/catalogue.h"
#include "probes/decode.h"
#include "probes/selection.h"

namespace {

using namespace netio;
using model::Site;
using model::Tally;
using model::Tier;
using probes::catalogue;
using probes::Choice;
using probes::Hook;
using probes::Probe;
using probes::Program;
using probes::select_variants;
using probes::spell;

using Names = std::vector<std::string>;

// A kernel that refuses the programs named, by their spelling, and remembers what was tried.
struct FakeKernel {
    std::map<std::string, std::string> refusals;
    Names tried;

    probes::Try attempt() {
        return [this](const Program& program) -> Result<void> {
            tried.push_back(spell(program));
            const auto found = refusals.find(tried.back());
            return found == refusals.end() ? Result<void>{} : fail("the probe cannot be attached", found->second);
        };
    }
};

const std::vector<Probe>& small_catalogue() {
    static const std::vector<Probe> rows{
        {"send",
         "sends",
         true,
         {{Tier::fentry, {{"fe_a", Hook::fentry, "a"}, {"fe_b", Hook::fexit, "a"}}, "5.10"},
          {Tier::kprobe, {{"kp_a", Hook::kprobe, "a"}}, "5.10"},
          {Tier::kprobe, {{"kp_old", Hook::kprobe, "old"}}, "5.10"},
          {Tier::tracepoint, {{"tp_a", Hook::tracepoint, "ta"}, {"tp_shared", Hook::tracepoint, "ts"}}, "5.10"}}},
        {"path",
         "packets",
         false,
         {{Tier::tracepoint, {{"tp_shared", Hook::tracepoint, "ts"}, {"tp_c", Hook::tracepoint, "tc"}}, "5.10"}}},
    };
    return rows;
}

Tier tier_of(const Choice& choice) {
    return choice.variant == nullptr ? Tier::none : choice.variant->tier;
}

std::vector<Tier> chosen(FakeKernel& kernel, Tier forced = Tier::automatic) {
    std::vector<Tier> tiers;
    for (const auto& choice : select_variants(small_catalogue(), {.forced = forced}, kernel.attempt())) {
        tiers.push_back(tier_of(choice));
    }
    return tiers;
}

Names names_of(const std::vector<Program>& programs) {
    Names names;
    for (const auto& program : programs) {
        names.emplace_back(program.name);
    }
    return names;
}

constexpr auto not_permitted = "Operation not permitted (EPERM)";
const FakeKernel without_fentry{{{"fentry/a", not_permitted}}, {}};
const FakeKernel only_tracepoints{
    {{"fentry/a", not_permitted}, {"kprobe/a", "no kprobes"}, {"kprobe/old", "no such function"}}, {}};

std::string_view prefix_of(Hook hook) {
    switch (hook) {
        case Hook::fentry:
        case Hook::fexit:
            return "fe_";
        case Hook::kprobe:
            return "kp_";
        case Hook::perf_tracepoint:
            return "pt_";
        default:
            return "tp_";
    }
}

bool fits(Hook hook, Tier tier) {
    switch (tier) {
        case Tier::fentry:
            return hook == Hook::fentry || hook == Hook::fexit;
        case Tier::kprobe:
            return hook == Hook::kprobe;
        default:
            return hook == Hook::tracepoint;
    }
}

constexpr const char* kallsyms =
    "ffffffff81000000 T allocate\n"
    "ffffffff81000100 T skb_copy_ubufs\n"
    "ffffffff81000200 t ip_local_deliver_finish\n"
    "ffffffff81000300 T process_backlog\n"
    "ffffffff81000400 T skb_copy_expand\n"
    "ffffffff81000500 T kprobe_ftrace_handler\n"
    "ffffffff81000600 T ftrace_trampoline\n"
    "ffffffff81000700 T consume_skb\n"
    "ffffffff81000800 t veth_convert_skb_to_xdp_buff\t[veth]\n"
    "ffffffff81000900 t veth_poll\t[veth]\n"
    "ffffffffc0000000 t bpf_trampoline_6442536467\t[bpf]\n"
    "ffffffffc0000100 t bpf_prog_6deef7357e7b4530_fe_copy_ubufs\t[bpf]\n";
constexpr std::uint64_t allocate = 0xffffffff81000010, copy_ubufs = 0xffffffff81000110, deliver = 0xffffffff81000210,
                        backlog = 0xffffffff81000310, copy_expand = 0xffffffff81000410, kprobe = 0xffffffff81000510,
                        ftrace = 0xffffffff81000610, trampoline = 0xffffffffc0000010, program = 0xffffffffc0000110,
                        consume = 0xffffffff81000710, convert = 0xffffffff81000810, poll = 0xffffffff81000910,
                        nowhere = 0x1000;

Names stack_of(std::vector<std::uint64_t> frames, std::uint8_t copier = NETIO_COPIER_COPY_UBUFS) {
    const FakeRoot machine;
    machine.file("proc/kallsyms", kallsyms);
    const auto symbols = kernel::Symbols::load({machine.path()});
    REQUIRE(symbols.has_value());
    netio_event event{};
    event.key.copier = copier;
    std::copy(frames.begin(), frames.end(), event.frames);
    return probes::decode_stack(event, &*symbols);
}

template <std::size_t N>
void put(char (&field)[N], std::string_view text) {
    std::memcpy(field, text.data(), std::min(N, text.size()));
}

netio_device device_with(std::uint64_t features) {
    netio_device device{};
    device.features = features;
    return device;
}

std::string address(int family, const char* text, std::uint16_t port) {
    std::uint8_t bytes[16]{};
    REQUIRE(inet_pton(family, text, bytes) == 1);
    return probes::spell_address(static_cast<std::uint8_t>(family), bytes, port);
}

}  // namespace

TEST_CASE("selection: the first variant that attaches as a whole") {
    FakeKernel kernel;
    CHECK(chosen(kernel) == std::vector<Tier>{Tier::fentry, Tier::tracepoint});
    CHECK(kernel.tried == Names{"fentry/a", "fexit/a", "tp_btf/ts", "tp_btf/tc"});  // nothing that is not needed
}

TEST_CASE("selection: what is never preempted comes along where programs on functions are") {
    const std::vector<Probe> rows{
        {"send",
         "sends",
         true,
         {{Tier::fentry, {{"fe_a", Hook::fentry, "a"}, {"kp_a", Hook::kprobe, "a"}}, "6.3", "", true},
          {Tier::fentry, {{"fe_a", Hook::fentry, "a"}}, "5.10"},
          {Tier::kprobe, {{"kp_a", Hook::kprobe, "a"}}, "5.10"}}}};
    FakeKernel kernel;
    const auto chosen_with = [&](const probes::Conditions& conditions) {
        return names_of(programs_of(select_variants(rows, conditions, kernel.attempt())));
    };
    CHECK(chosen_with({}) == Names{"fe_a"});
    CHECK(chosen_with({.preempted = true}) == Names{"fe_a", "kp_a"});
    CHECK(chosen_with({Tier::fentry, true}) == Names{"fe_a"});
    CHECK(chosen_with({Tier::kprobe, true}) == Names{"kp_a"});
    kernel.refusals["kprobe/a"] = "no";
    CHECK(chosen_with({.preempted = true}) == Names{"fe_a"});
}

TEST_CASE("selection: falls back variant by variant") {
    FakeKernel kernel = without_fentry;
    CHECK(chosen(kernel) == std::vector<Tier>{Tier::kprobe, Tier::tracepoint});
    kernel = only_tracepoints;
    CHECK(chosen(kernel) == std::vector<Tier>{Tier::tracepoint, Tier::tracepoint});
    kernel = FakeKernel{{{"fexit/a", not_permitted}, {"kprobe/a", "no"}}, {}};  // half a variant is none
    const auto choices = select_variants(small_catalogue(), {}, kernel.attempt());
    CHECK(choices[0].variant == &small_catalogue()[0].variants[2]);  // the renamed function
    CHECK(choices[0].refused == Names{std::string("fexit/a: ") + not_permitted, "kprobe/a: no"});
}

TEST_CASE("selection: nothing attaches") {
    FakeKernel kernel = only_tracepoints;
    kernel.refusals["tp_btf/ts"] = "no such tracepoint";
    const auto choices = select_variants(small_catalogue(), {}, kernel.attempt());
    CHECK(tier_of(choices[0]) == Tier::none);
    CHECK(tier_of(choices[1]) == Tier::none);
    CHECK(choices[0].refused.size() == 4);
    CHECK(choices[0].refused.back() == "tp_btf/ts: no such tracepoint");
    CHECK(programs_of(choices).empty());
    CHECK(check_forced(choices, Tier::automatic).has_value());  // then the report says what is missing
}

TEST_CASE("selection: a forced tier is the only one tried, where the probe has it") {
    FakeKernel kernel;
    CHECK(chosen(kernel, Tier::kprobe) == std::vector<Tier>{Tier::kprobe, Tier::tracepoint});
    CHECK(kernel.tried == Names{"kprobe/a", "tp_btf/ts", "tp_btf/tc"});
    kernel = FakeKernel{};
    CHECK(chosen(kernel, Tier::tracepoint) == std::vector<Tier>{Tier::tracepoint, Tier::tracepoint});
    kernel = FakeKernel{{{"kprobe/a", "no"}}, {}};
    CHECK(chosen(kernel, Tier::kprobe) == std::vector<Tier>{Tier::kprobe, Tier::tracepoint});
    CHECK(kernel.tried[1] == "kprobe/old");
}

TEST_CASE("selection: a forced tier that a required probe cannot have is an error") {
    FakeKernel kernel = without_fentry;
    const auto choices = select_variants(small_catalogue(), {.forced = Tier::fentry}, kernel.attempt());
    CHECK(tier_of(choices[0]) == Tier::none);
    const auto checked = check_forced(choices, Tier::fentry);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().what == "tier fentry cannot attach the probe send");
    CHECK(checked.error().why == std::string("fentry/a: ") + not_permitted);
    CHECK(checked.error().advice == "leave out --tier, or see what this kernel allows: netio-trace doctor");
    CHECK(checked.error().code == ExitCode::privilege);
    CHECK(static_cast<int>(checked.error().code) == 3);
}

TEST_CASE("selection: an optional probe that a forced tier cannot have is no error") {
    FakeKernel kernel{{{"tp_btf/tc", "no such tracepoint"}}, {}};
    const auto choices = select_variants(small_catalogue(), {.forced = Tier::tracepoint}, kernel.attempt());
    CHECK(tier_of(choices[1]) == Tier::none);
    CHECK(check_forced(choices, Tier::tracepoint).has_value());
}

TEST_CASE("selection: a program that several probes share is loaded once") {
    FakeKernel kernel = only_tracepoints;
    const auto choices = select_variants(small_catalogue(), {}, kernel.attempt());
    CHECK(names_of(programs_of(choices)) == Names{"tp_a", "tp_shared", "tp_c"});
}

TEST_CASE("selection: choices as facts") {
    FakeKernel kernel = without_fentry;
    kernel.refusals["tp_btf/tc"] = "no such tracepoint";
    const auto facts = describe_choices(select_variants(small_catalogue(), {}, kernel.attempt()));
    REQUIRE(facts.size() == 2);
    CHECK(facts[0].probe == "send");
    CHECK(facts[0].meaning == "sends");
    CHECK(facts[0].required);
    CHECK(facts[0].tier == Tier::kprobe);
    CHECK(facts[0].attached == "kprobe/a");
    CHECK(facts[0].refused == Names{std::string("fentry/a: ") + not_permitted});
    CHECK_FALSE(facts[1].required);
    CHECK(facts[1].tier == Tier::none);
    CHECK(facts[1].attached == "");
    FakeKernel willing;
    CHECK(describe_choices(select_variants(small_catalogue(), {}, willing.attempt()))[0].attached ==
          "fentry/a + fexit/a");
}

TEST_CASE("selection: a place where two programs hang is named once") {
    const std::vector<Probe> rows{
        {"copy",
         "copies",
         true,
         {{Tier::tracepoint, {{"tp_x", Hook::tracepoint, "t"}, {"tp_x_2", Hook::tracepoint, "t"}}, "5.10"}}}};
    FakeKernel kernel;
    const auto choices = select_variants(rows, {}, kernel.attempt());
    CHECK(describe_choices(choices)[0].attached == "tp_btf/t");
    CHECK(names_of(programs_of(choices)) == Names{"tp_x", "tp_x_2"});
}

TEST_CASE("selection: what hangs beside the fentry tier hangs where it can, each program for itself") {
    std::vector<Probe> rows = small_catalogue();
    rows[0].beside = {{"fe_x", Hook::fentry, "x", 0, "module"}, {"fe_y", Hook::fexit, "y", 0, "module"}};
    FakeKernel kernel;
    const auto chosen_now = [&] { return select_variants(rows, {}, kernel.attempt()); };
    CHECK(names_of(programs_of(chosen_now())) == Names{"fe_a", "fe_b", "fe_x", "fe_y", "tp_shared", "tp_c"});
    kernel.refusals["fentry/x"] = "the module is not loaded";
    CHECK(names_of(programs_of(chosen_now())) == Names{"fe_a", "fe_b", "fe_y", "tp_shared", "tp_c"});
    CHECK(describe_choices(chosen_now())[0].attached == "fentry/a + fexit/a + fexit/y");
    CHECK(describe_choices(chosen_now())[0].refused.empty());
    kernel.refusals["fentry/a"] = not_permitted;
    CHECK(names_of(programs_of(chosen_now())) == Names{"kp_a", "tp_shared", "tp_c"});
}

TEST_CASE("catalogue: ids are unique, and tracepoints alone give every fact") {
    std::set<std::string_view> ids;
    for (const Probe& probe : catalogue()) {
        CHECK_MESSAGE(ids.insert(probe.id).second, probe.id);
        CHECK_MESSAGE(!probe.meaning.empty(), probe.id);
        const bool has_tracepoints = std::any_of(probe.variants.begin(), probe.variants.end(),
                                                 [](const auto& variant) { return variant.tier == Tier::tracepoint; });
        CHECK_MESSAGE(has_tracepoints, probe.id);
    }
}

TEST_CASE("catalogue: the probes that the ledger asks for are there") {
    std::map<std::string_view, bool> required;
    for (const Probe& probe : catalogue()) {
        required[probe.id] = probe.required;
    }
    for (const char* id : {"send-call", "late-copy", "linearise", "completion", "receive-call"}) {
        CHECK_MESSAGE(required[id], id);
    }
    CHECK(required.contains("packet-path"));
    CHECK(required.contains("retransmit"));
}

TEST_CASE("catalogue: programs are named after their tier and hang as the tier says") {
    std::map<std::string_view, std::string> spelling;
    for (const Probe& probe : catalogue()) {
        for (const auto& variant : probe.variants) {
            CHECK_MESSAGE(!variant.programs.empty(), probe.id);
            for (const Program& row : variant.programs) {
                CHECK_MESSAGE(row.name.starts_with(prefix_of(row.hook)), row.name);
                // The first program names the tier. Tracepoints complete others, and any may against preemption.
                const bool completes =
                    &row != &variant.programs.front() && (row.hook == Hook::tracepoint || variant.against_preemption);
                CHECK_MESSAGE((completes || fits(row.hook, variant.tier)), row.name);
                const auto& known = spelling.emplace(row.name, spell(row)).first->second;
                CHECK_MESSAGE(known == spell(row), row.name << ": one program, one hook");
            }
        }
        for (const Program& row : probe.beside) {
            CHECK_MESSAGE((row.name.starts_with("fe_") && fits(row.hook, Tier::fentry)), row.name);
        }
    }
}

TEST_CASE("catalogue: programs are spelled as libbpf names their sections") {
    CHECK(spell({"x", Hook::fentry, "f"}) == "fentry/f");
    CHECK(spell({"x", Hook::fexit, "f"}) == "fexit/f");
    CHECK(spell({"x", Hook::kprobe, "f"}) == "kprobe/f");
    CHECK(spell({"x", Hook::tracepoint, "f"}) == "tp_btf/f");
    CHECK(spell({"x", Hook::perf_tracepoint, "f"}) == "tracepoint/f");
}

TEST_CASE("catalogue: a variant that sees less than others says so") {
    const auto& probes = catalogue();
    const auto send =
        std::find_if(probes.begin(), probes.end(), [](const Probe& probe) { return probe.id == "send-call"; });
    REQUIRE(send != probes.end());
    for (const auto& variant : send->variants) {
        const bool blind = variant.programs.front().symbol == "sys_enter";
        CHECK_MESSAGE(!variant.limits.empty() == blind, variant.programs.front().name);
    }
    const auto refuse_rest = [](const Program& program) -> Result<void> {
        return program.symbol.starts_with("sys_") ? Result<void>{} : fail("the probe cannot be attached", "not here");
    };
    const auto facts = probes::describe_choices(select_variants({*send}, {.forced = Tier::tracepoint}, refuse_rest));
    REQUIRE(facts.size() == 1);
    CHECK(facts[0].limits == send->variants.back().limits);
}

TEST_CASE("decode: addresses") {
    CHECK(address(AF_INET, "10.0.0.1", 5001) == "10.0.0.1:5001");
    CHECK(address(AF_INET, "255.255.255.255", 65535) == "255.255.255.255:65535");
    CHECK(address(AF_INET6, "fd00::1", 5001) == "[fd00::1]:5001");
    CHECK(address(AF_INET6, "::ffff:10.0.0.1", 1) == "[::ffff:10.0.0.1]:1");
    CHECK(probes::spell_address(0, {}, 80) == "?");
}

TEST_CASE("decode: a socket") {
    netio_socket socket{};
    socket.tgid = 4711;
    socket.pid = 4712;
    put(socket.comm, "netio-server-abcdefgh");  // fills the field: no zero byte at the end
    socket.family = AF_INET;
    socket.local_port = 5001;
    socket.remote_port = 40000;
    socket.netns = 4026532317;
    inet_pton(AF_INET, "10.0.0.1", socket.local_address);
    inet_pton(AF_INET, "10.0.0.2", socket.remote_address);
    const auto facts = probes::decode_socket(9, socket, model::Role::client);
    CHECK(facts.slot == 9);
    CHECK(facts.pid == 4711);
    CHECK(facts.command == "netio-server-abc");
    CHECK(facts.role == model::Role::client);
    CHECK(facts.local == "10.0.0.1:5001");
    CHECK(facts.remote == "10.0.0.2:40000");
    CHECK(facts.netns == 4026532317);
    CHECK(facts.sites.empty());
}

TEST_CASE("decode: the protocol of a socket is the one that serves its calls") {
    netio_socket socket{};
    const auto protocol = [&] { return probes::decode_socket(0, socket, model::Role::server).protocol; };
    socket.protocol = IPPROTO_TCP;
    CHECK(protocol() == "tcp");
    socket.in_sockmap = 1;
    CHECK(protocol() == "sockmap");
    put(socket.upper_layer, "tls");  // stands before what the program in the map gets
    CHECK(protocol() == "tls");
    socket.protocol = 262;
    CHECK(protocol() == "mptcp");
}

TEST_CASE("decode: sites are summed over CPUs, and empty ones left out") {
    std::vector<std::vector<netio_tally>> per_cpu(NETIO_SITES, std::vector<netio_tally>(2));
    per_cpu[NETIO_SEND_PINNED] = {{2, 100}, {3, 50}};
    per_cpu[NETIO_SEND_FAILED] = {{0, 0}, {1, 0}};
    per_cpu[NETIO_RECEIVE_RETURNED] = {{0, 7}, {0, 0}};
    CHECK(probes::decode_sites(per_cpu) == std::map<Site, Tally>{{Site::send_pinned, {5, 150}},
                                                                 {Site::send_failed, {1, 0}},
                                                                 {Site::receive_returned, {0, 7}}});
    CHECK(probes::decode_sites({}).empty());
}

TEST_CASE("decode: a device and its features") {
    netio_device device = device_with(0);
    put(device.name, "server0");
    put(device.kind, "veth");
    device.ifindex = 2;
    device.netns = 99;
    const auto facts = probes::decode_device(0xa1, device);
    CHECK(facts.key == 0xa1);
    CHECK(facts.name == "server0");
    CHECK(facts.kind == "veth");
    CHECK(facts.ifindex == 2);
    CHECK(facts.netns == 99);
    CHECK_FALSE(facts.scatter_gather);
    CHECK_FALSE(facts.checksum);
    CHECK_FALSE(facts.segmentation);
    device.flags = IFF_UP | IFF_LOOPBACK;
    CHECK(probes::decode_device(1, device).kind == "loopback");
}

TEST_CASE("decode: each feature has a bit of its own") {
    const auto features = [](unsigned bit) {
        const auto facts = probes::decode_device(1, device_with(1ULL << bit));
        return std::string(facts.scatter_gather ? "sg " : "") + (facts.checksum ? "csum " : "") +
               (facts.segmentation ? "tso" : "");
    };
    CHECK(features(0) == "sg ");
    CHECK(features(1) == "csum ");  // IPv4 only
    CHECK(features(2) == "");
    CHECK(features(3) == "csum ");  // any protocol
    CHECK(features(16) == "tso");
    CHECK(features(17) == "");
}

TEST_CASE("decode: a stack begins with the copying function") {
    CHECK(stack_of({allocate, copy_ubufs, deliver, backlog}) ==
          Names{"skb_copy_ubufs", "ip_local_deliver_finish", "process_backlog"});
    CHECK(stack_of({copy_expand, backlog}, NETIO_COPIER_COPY_EXPAND) == Names{"skb_copy_expand", "process_backlog"});
    CHECK(stack_of({copy_ubufs, nowhere, backlog}) == Names{"skb_copy_ubufs", "?", "process_backlog"});
    CHECK(stack_of({copy_ubufs, 0, backlog}) == Names{"skb_copy_ubufs"});
}

TEST_CASE("decode: a copying function that a trampoline hides is put first") {
    CHECK(stack_of({program, trampoline, deliver, backlog}) ==
          Names{"skb_copy_ubufs", "ip_local_deliver_finish", "process_backlog"});
    CHECK(stack_of({nowhere, kprobe, ftrace, deliver}) == Names{"skb_copy_ubufs", "ip_local_deliver_finish"});
    CHECK(stack_of({deliver}, NETIO_COPIER_SEGMENT) == Names{"skb_segment", "ip_local_deliver_finish"});
    CHECK(stack_of({}) == Names{"skb_copy_ubufs"});
}

TEST_CASE("decode: a full stack has no end mark") {
    const std::vector<std::uint64_t> frames(NETIO_FRAMES, backlog);
    CHECK(stack_of(frames).size() == NETIO_FRAMES + 1);
}

TEST_CASE("decode: without symbols there is no stack") {
    netio_event event{};
    event.frames[0] = copy_ubufs;
    CHECK(probes::decode_stack(event, nullptr).empty());
}

TEST_CASE("decode: a late copy") {
    netio_late_key key{};
    key.device = 0xb2;
    key.slot = 3;
    key.direction = NETIO_RECEIVE;
    key.user_pages = 1;
    const netio_late_value value{7, 4093, 2};
    const auto facts = probes::decode_late_copy(key, value, {"skb_copy_ubufs"});
    CHECK(facts.slot == 3);
    CHECK(facts.device == 0xb2);
    CHECK(facts.direction == model::Direction::receive);
    CHECK(facts.copies == 7);
    CHECK(facts.bytes == 4093);
    CHECK(facts.pages == 2);
    CHECK(facts.user_pages);
    CHECK(facts.stack == Names{"skb_copy_ubufs"});
    key.direction = NETIO_DIRECTION_UNKNOWN;
    key.user_pages = 0;
    const auto other = probes::decode_late_copy(key, value, {});
    CHECK(other.direction == model::Direction::unknown);
    CHECK_FALSE(other.user_pages);
}

TEST_CASE("decode: what builds a packet for XDP has the name that the kernel's version gives it") {
    CHECK(stack_of({consume, convert, poll}, NETIO_COPIER_COW_DATA) ==
          Names{"veth_convert_skb_to_xdp_buff", "veth_poll"});
    CHECK(stack_of({consume, poll, backlog}, NETIO_COPIER_COW_DATA) == Names{"veth_poll", "process_backlog"});
}

TEST_CASE("decode: the numbers of copying functions") {
    CHECK(probes::copier_name(NETIO_COPIER_UNKNOWN) == "");
    CHECK(probes::copier_name(NETIO_COPIER_COPY_UBUFS) == "skb_copy_ubufs");
    CHECK(probes::copier_name(NETIO_COPIER_PULL_TAIL) == "__pskb_pull_tail");
    CHECK(probes::copier_name(NETIO_COPIER_SEGMENT) == "skb_segment");
    CHECK(probes::copier_name(NETIO_COPIER_SKB_COPY) == "skb_copy");
    CHECK(probes::copier_name(NETIO_COPIER_COW_DATA) == "skb_pp_cow_data");
    CHECK(probes::copier_name(NETIO_COPIER_COPY_EXPAND) == "skb_copy_expand");
    CHECK(probes::copier_name(NETIO_COPIER_BOUNCE) == "swiotlb_map");
    CHECK(probes::copier_name(NETIO_COPIERS) == "");
}

TEST_CASE("decode: the numbers of sites are those of the model") {
    CHECK(static_cast<int>(Site::send_copied) == NETIO_SEND_COPIED);
    CHECK(static_cast<int>(Site::send_not_opted_in) == NETIO_SEND_NOT_OPTED_IN);
    CHECK(static_cast<int>(Site::send_route_without_sg) == NETIO_SEND_ROUTE_WITHOUT_SG);
    CHECK(static_cast<int>(Site::send_pinned) == NETIO_SEND_PINNED);
    CHECK(static_cast<int>(Site::send_spliced) == NETIO_SEND_SPLICED);
    CHECK(static_cast<int>(Site::send_failed) == NETIO_SEND_FAILED);
    CHECK(static_cast<int>(Site::completed_zerocopy) == NETIO_COMPLETED_ZEROCOPY);
    CHECK(static_cast<int>(Site::completed_copied) == NETIO_COMPLETED_COPIED);
    CHECK(static_cast<int>(Site::completed_unresolved) == NETIO_COMPLETED_UNRESOLVED);
    CHECK(static_cast<int>(Site::transmit_queued) == NETIO_TRANSMIT_QUEUED);
    CHECK(static_cast<int>(Site::transmit_zerocopy) == NETIO_TRANSMIT_ZEROCOPY);
    CHECK(static_cast<int>(Site::transmit_linear) == NETIO_TRANSMIT_LINEAR);
    CHECK(static_cast<int>(Site::receive_zerocopy) == NETIO_RECEIVE_ZEROCOPY);
    CHECK(static_cast<int>(Site::retransmitted) == NETIO_RETRANSMITTED);
    CHECK(static_cast<int>(Site::receive_copied) == NETIO_RECEIVE_COPIED);
    CHECK(static_cast<int>(Site::receive_returned) == NETIO_RECEIVE_RETURNED);
    CHECK(static_cast<int>(Site::transmit_cloned) == NETIO_TRANSMIT_CLONED);
    CHECK(static_cast<int>(Site::send_fast_open) == NETIO_SEND_FAST_OPEN);
    CHECK(static_cast<int>(Site::send_in_syn) == NETIO_SEND_IN_SYN);
    CHECK(model::site_count == NETIO_SITES);
}

TEST_CASE("load: the verifier's last word before its sums is why it refuses a program") {
    const std::string complaint =
        "libbpf: prog 'tp_a': BPF program load failed: Invalid argument\n"
        "libbpf: prog 'tp_a': -- BEGIN PROG LOAD LOG --\n"
        "; return retransmitted(ctx[0], ctx[1]);\n"
        "0: (79) r2 = *(u64 *)(r1 +16)\n"
        "func 'tcp_retransmit_skb' doesn't have 3-th argument\n"
        "invalid bpf_context access off=16 size=8\n"
        "verification time 57 usec\n"
        "stack depth 0\n"
        "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0\n"
        "-- END PROG LOAD LOG --\n"
        "libbpf: prog 'tp_a': failed to load: -22\n";
    CHECK(probes::verifier_word(complaint) == "invalid bpf_context access off=16 size=8");
    CHECK(probes::verifier_word("libbpf: prog 'tp_a': failed to load: -1\n").empty());
    CHECK(probes::verifier_word("-- BEGIN PROG LOAD LOG --\nprocessed 0 insns\n-- END PROG LOAD LOG --").empty());
    CHECK(probes::verifier_word("-- BEGIN PROG LOAD LOG --\nfirst\n-- END PROG LOAD LOG --\n"
                                "-- BEGIN PROG LOAD LOG --\nsecond") == "second");
}
