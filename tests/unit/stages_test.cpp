// SPDX-License-Identifier: MIT
#include "ledger/stages.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"

namespace {

using namespace netio;
using ledger::Stages;

// A stack as it is written on paper: "memcpy < _copy_from_iter < tcp_sendmsg_locked".
std::string class_of(const std::string& stack, const Stages& table = ledger::stages()) {
    std::vector<std::string> frames;
    for (const std::string& frame : split(stack, '<')) {
        frames.push_back(trim(frame));
    }
    const auto match = table.classify(frames);
    return match.stage == nullptr ? "other" : match.stage->id;
}

std::string decided_by(const std::string& stack) {
    std::vector<std::string> frames;
    for (const std::string& frame : split(stack, '<')) {
        frames.push_back(trim(frame));
    }
    return std::string(ledger::stages().classify(frames).function);
}

// Lines of tests/golden/stacks.txt: the class that a stack belongs in, and the stack.
struct Recorded {
    std::string stage;
    std::string stack;
};
std::vector<Recorded> recorded_stacks() {
    std::ifstream file(std::string(NETIO_SOURCE_ROOT) + "/tests/golden/stacks.txt");
    REQUIRE(file.good());
    std::vector<Recorded> stacks;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const std::size_t colon = line.find(": ");
        REQUIRE_MESSAGE(colon != std::string::npos, line);
        stacks.push_back({line.substr(0, colon), line.substr(colon + 2)});
    }
    return stacks;
}

std::string table_with(const std::string& classes, const std::string& more = R"("boundaries": ["softirq"])") {
    return R"({"network": ["net*"], "neutral": ["mem_neutral"], )" + more + R"(, "classes": [)" + classes + "]}";
}

constexpr const char* plain_class =
    R"({"id": "plain", "name": "plain", "meaning": "m", "claims": false, "functions": ["mem*", "mem_long*", "exact"],
        "innermost": ["self"]})";
constexpr const char* claiming_class =
    R"({"id": "claiming", "name": "claiming", "meaning": "m", "claims": true, "functions": ["mem_exact", "claim"],
        "innermost": []})";

Stages two_classes() {
    auto parsed = Stages::parse(table_with(std::string(plain_class) + "," + claiming_class));
    REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : describe(parsed.error())));
    return std::move(*parsed);
}

}  // namespace

TEST_CASE("stages: eleven classes of work, and that of what watches it") {
    std::vector<std::string> ids;
    for (const auto& row : ledger::stages().rows()) {
        ids.push_back(row.id);
        CHECK_FALSE(row.name.empty());
        CHECK_FALSE(row.meaning.empty());
        CHECK_FALSE(row.functions.empty());
    }
    CHECK(ids == std::vector<std::string>{"copy-in", "copy-late", "copy-out", "page-pinning", "completion-notification",
                                          "memory", "tcp-ip", "device-softirq", "scheduling", "system-call", "locks",
                                          "tracing"});
}

TEST_CASE("stages: names are as in the source, without a compiler's suffixes") {
    for (const auto& row : ledger::stages().rows()) {
        for (const auto* list : {&row.functions, &row.innermost}) {
            for (const std::string& name : *list) {
                CHECK_MESSAGE(
                    name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789*") ==
                        std::string::npos,
                    name);
                CHECK_MESSAGE(std::count(name.begin(), name.end(), '*') <= 1, name);
                CHECK_MESSAGE(name.size() >= 2, name);
            }
        }
    }
}

TEST_CASE("stages: the innermost frame that has a class decides") {
    const Stages table = two_classes();
    CHECK(class_of("memory < unknown", table) == "plain");
    CHECK(class_of("unknown < deeper < exact < memory", table) == "plain");
    CHECK(class_of("unknown", table) == "other");
    CHECK(class_of("", table) == "other");
}

TEST_CASE("stages: a name goes before a beginning, a longer beginning before a shorter") {
    const Stages table = two_classes();
    CHECK(class_of("mem_exact", table) == "claiming");
    CHECK(class_of("mem_exactly", table) == "plain");
    CHECK(class_of("mem_neutral", table) == "other");
    CHECK(class_of("mem_neutral < claim", table) == "claiming");
    CHECK(class_of("exactly", table) == "other");
}

TEST_CASE("stages: a class that claims has what its functions call, up to where a context begins") {
    const Stages table = two_classes();
    CHECK(class_of("exact < claim < exact", table) == "claiming");
    CHECK(class_of("exact < softirq < claim", table) == "plain");
    CHECK(class_of("unknown < softirq < claim", table) == "other");
    CHECK(class_of("unknown < claim < softirq < exact", table) == "claiming");
}

TEST_CASE("stages: some functions count only where they run themselves") {
    const Stages table = two_classes();
    CHECK(class_of("self", table) == "plain");
    CHECK(class_of("self < claim", table) == "claiming");
    CHECK(class_of("unknown < self", table) == "other");
}

TEST_CASE("stages: a table that cannot be right is refused with what is wrong") {
    const auto refused = [](const std::string& text) {
        const auto parsed = Stages::parse(text);
        return parsed ? std::string("accepted") : parsed.error().why;
    };
    CHECK(refused("[]") == "it is not an object with an array \"classes\"");
    CHECK(refused("{") == "it is not an object with an array \"classes\"");
    CHECK(refused(table_with("", R"("x": 1)")) == "no array \"boundaries\"");
    CHECK(refused(table_with(R"({"id": "a"})")) == "class 1: no text \"name\"");
    CHECK(refused(table_with(R"({"id": "a", "name": "a", "meaning": "a"})")) == "class 1: no truth value \"claims\"");
    CHECK(refused(table_with(std::string(plain_class) + "," + plain_class)) == "mem* stands there twice");
    for (const char* wrong : {R"("a*b")", R"("*")", R"("")", "3"}) {
        const std::string row = R"({"id": "a", "name": "a", "meaning": "a", "claims": false, "functions": [)" +
                                std::string(wrong) + R"(], "innermost": []})";
        CHECK_MESSAGE(refused(table_with(row)).starts_with("class 1: \"functions\" holds what is no name"), wrong);
    }
}

TEST_CASE("stages: copying is what the copying function says, not the instruction loop below it") {
    CHECK(class_of("rep_movs_alternative < _copy_from_iter < tcp_sendmsg_locked < do_syscall_64") == "copy-in");
    CHECK(class_of("memcpy < skb_copy_ubufs < ip_local_deliver_finish < handle_softirqs") == "copy-late");
    CHECK(class_of("memcpy < __pskb_copy_fclone < tcp_write_xmit") == "memory");
    CHECK(class_of("rep_movs_alternative < _copy_from_user < copy_msghdr_from_user < ___sys_sendmsg") == "system-call");
    CHECK(class_of("rep_movs_alternative < _copy_to_iter < simple_copy_to_iter < __skb_datagram_iter < "
                   "skb_copy_datagram_iter < tcp_recvmsg_locked") == "copy-out");
    CHECK(class_of("memcpy < __skb_copy_bits < skb_copy_expand < __netif_receive_skb_core") == "copy-late");
    CHECK(class_of("csum_partial_copy_generic < csum_and_copy_from_iter_full < ip_generic_getfrag") == "copy-in");
    CHECK(class_of("csum_partial_copy_generic < skb_copy_and_csum_bits < skb_copy_and_csum_dev") == "copy-late");
    CHECK(class_of("memcpy_erms < skb_copy_bits < __pskb_pull_tail < tcp_v4_rcv") == "copy-late");
    CHECK(decided_by("rep_movs_alternative < _copy_from_iter < tcp_sendmsg_locked") == "_copy_from_iter");
}

TEST_CASE("stages: other kernels and arm64 name the same things otherwise") {
    // 5.10: copyin and the generic copies of usercopy.
    CHECK(class_of("copy_user_enhanced_fast_string < copyin < _copy_from_iter_full < tcp_sendmsg_locked") == "copy-in");
    CHECK(class_of("copy_user_generic_unrolled < _copy_from_iter_full < tcp_sendmsg_locked") == "copy-in");
    CHECK(class_of("gup_pgd_range < internal_get_user_pages_fast < iov_iter_get_pages < __zerocopy_sg_from_iter") ==
          "page-pinning");
    CHECK(class_of("__kmalloc_node_track_caller < __alloc_skb < sock_omalloc < sock_zerocopy_realloc") ==
          "completion-notification");
    CHECK(class_of("tcp_v4_rcv < __softirqentry_text_start < do_softirq_own_stack") == "tcp-ip");
    // arm64.
    CHECK(class_of("__arch_copy_from_user < _copy_from_iter < tcp_sendmsg_locked < el0_svc") == "copy-in");
    CHECK(class_of("__arch_copy_to_user < _copy_to_iter < simple_copy_to_iter < __skb_datagram_iter") == "copy-out");
    CHECK(class_of("__pi_memcpy < skb_copy_ubufs < __netif_receive_skb_core") == "copy-late");
    CHECK(class_of("el0_svc < el0t_64_sync_handler < el0t_64_sync") == "system-call");
    CHECK(class_of("invoke_syscall < el0_svc_common < do_el0_svc < el0_svc") == "system-call");
    CHECK(class_of("queued_spin_lock_slowpath < _raw_spin_lock < tcp_v4_rcv") == "locks");
    CHECK(class_of("gic_handle_irq < call_on_irq_stack < do_interrupt_handler < el1_interrupt < tcp_ack") ==
          "device-softirq");
    // From 6.14 pages come as frozen ones, from 6.18 objects in sheaves.
    CHECK(class_of("get_page_from_freelist < __alloc_frozen_pages_noprof < alloc_pages_mpol < skb_copy_ubufs") ==
          "memory");
    CHECK(class_of("__pcs_replace_empty_main < kmem_cache_alloc_node_noprof < __alloc_skb < tcp_stream_alloc_skb") ==
          "memory");
    CHECK(class_of("gup_fast_fallback < iov_iter_get_pages2 < zerocopy_fill_skb_from_iter") == "page-pinning");
    CHECK(class_of("msg_zerocopy_complete < skb_release_data < tcp_clean_rtx_queue") == "completion-notification");
}

TEST_CASE("stages: zero-copy's own work keeps what it calls") {
    CHECK(class_of("_raw_spin_lock_irqsave < __wake_up_sync_key < sock_def_error_report < __msg_zerocopy_callback < "
                   "skb_release_data < tcp_ack") == "completion-notification");
    CHECK(class_of("clear_page_erms < get_page_from_freelist < do_anonymous_page < handle_mm_fault < faultin_page < "
                   "__get_user_pages < iov_iter_get_pages2") == "page-pinning");
    CHECK(class_of("mm_account_pinned_pages < msg_zerocopy_realloc < tcp_sendmsg_locked") == "page-pinning");
    CHECK(class_of("put_cmsg < sock_recv_errqueue < tcp_recvmsg < inet_recvmsg") == "completion-notification");
}

TEST_CASE("stages: a softirq or an interrupt is not what it interrupted") {
    CHECK(class_of("tcp_ack < tcp_v4_do_rcv < handle_softirqs < do_softirq < __local_bh_enable_ip < "
                   "__msg_zerocopy_callback") == "tcp-ip");
    CHECK(class_of("frobnicate < handle_softirqs < _copy_from_iter") == "device-softirq");
    CHECK(class_of("frobnicate < __hrtimer_run_queues < hrtimer_interrupt < asm_sysvec_apic_timer_interrupt < "
                   "_copy_to_iter") == "scheduling");
    CHECK(class_of("vring_interrupt < asm_common_interrupt < _copy_to_iter") == "device-softirq");
}

TEST_CASE("stages: what runs for the probes is theirs, what a trampoline calls is not") {
    CHECK(class_of("_raw_spin_lock < htab_lru_map_update_elem < bpf_prog_6deef7357e7b4530_on_send < bpf_trace_run3 < "
                   "__traceiter_net_dev_queue < __dev_queue_xmit") == "tracing");
    CHECK(class_of("bpf_trampoline_6442509056 < tcp_sendmsg") == "tracing");
    CHECK(class_of("frobnicate < bpf_trampoline_6442509056 < tcp_sendmsg") == "tcp-ip");
    CHECK(class_of("tcp_push < tcp_sendmsg_locked < bpf_trampoline_6442509056 < tcp_sendmsg") == "tcp-ip");
    CHECK(class_of("tcp_push < tcp_sendmsg_locked < arch_rethook_trampoline < tcp_sendmsg") == "tcp-ip");
}

TEST_CASE("stages: where interrupts are switched on again stands for what had them off") {
    CHECK(class_of("_raw_spin_unlock_irqrestore < try_to_wake_up < sock_def_readable < tcp_data_queue") ==
          "scheduling");
    CHECK(class_of("_raw_spin_lock_irqsave < try_to_wake_up < sock_def_readable") == "locks");
    CHECK(class_of("finish_task_switch < __schedule < schedule < sk_wait_data") == "scheduling");
}

TEST_CASE("stages: a system call's entry is its own time, not that of all below") {
    CHECK(class_of("do_syscall_64 < entry_SYSCALL_64_after_hwframe") == "system-call");
    CHECK(class_of("frobnicate < __x64_sys_frobnicate < do_syscall_64 < entry_SYSCALL_64_after_hwframe") == "other");
}

TEST_CASE("stages: network code is known wherever it is on the stack") {
    const auto is_network = [](std::vector<std::string> frames) { return ledger::stages().is_network(frames); };
    CHECK(is_network({"memcpy", "skb_copy_ubufs", "tcp_v4_rcv", "net_rx_action", "handle_softirqs", "run_ksoftirqd"}));
    CHECK(is_network({"_raw_spin_lock", "net_rx_action"}));
    CHECK_FALSE(is_network({"pv_native_safe_halt", "default_idle", "do_idle"}));
    CHECK_FALSE(is_network({"blk_done_softirq", "handle_softirqs", "asm_common_interrupt", "do_idle"}));
    CHECK_FALSE(is_network({}));
}

TEST_CASE("stages: stacks of running kernels are in the class they belong in") {
    const auto stacks = recorded_stacks();
    std::set<std::string> seen;
    for (const Recorded& recorded : stacks) {
        CHECK_MESSAGE(class_of(recorded.stack) == recorded.stage, recorded.stack);
        seen.insert(recorded.stage);
    }
    CHECK(stacks.size() >= 40);
    CHECK(seen.size() == ledger::stages().rows().size());
}
