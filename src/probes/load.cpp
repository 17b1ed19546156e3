// SPDX-License-Identifier: MIT
#include "probes/load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "probes/trial.h"

namespace netio::probes {

namespace {

// libbpf reports by a callback without context. What it says is kept for the error that follows, never printed.
std::string& last_complaint() {
    thread_local std::string text;
    return text;
}

int keep_complaint(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG || level == LIBBPF_INFO) {
        return 0;
    }
    char line[512];
    const int length = std::vsnprintf(line, sizeof(line), format, arguments);
    last_complaint() += line;
    return length;
}

// The program that a failed load stumbled over, from "prog 'NAME': failed to load: -22"; empty where none is named.
std::string failed_program(const std::string& complaint) {
    const std::string mark = "': failed to load";
    const auto end = complaint.find(mark);
    if (end == std::string::npos) {
        return {};
    }
    const auto begin = complaint.rfind('\'', end - 1);
    return begin == std::string::npos ? std::string{} : complaint.substr(begin + 1, end - begin - 1);
}

bool has_function(const char* name) {
    struct btf* types = btf__load_vmlinux_btf();
    const bool found = libbpf_get_error(types) == 0 && btf__find_by_name_kind(types, name, BTF_KIND_FUNC) > 0;
    btf__free(types);
    return found;
}

netio_range range_of(const kernel::Symbols* symbols, const char* name) {
    const auto range = symbols != nullptr ? symbols->range(name) : std::nullopt;
    return range ? netio_range{range->start, range->end} : netio_range{0, 0};
}

std::uint64_t first_address(const kernel::Symbols* symbols, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const netio_range range = range_of(symbols, name);
        if (range.start != 0) {
            return range.start;
        }
    }
    return 0;
}

void set_symbols(netio_trace_bpf& skeleton, const kernel::Symbols* symbols) {
    auto& constants = *skeleton.rodata;
    // The completion function of MSG_ZEROCOPY, newest name first: 6.10, 5.12, 5.10.
    constants.msgzc_complete =
        first_address(symbols, {"msg_zerocopy_complete", "msg_zerocopy_callback", "sock_zerocopy_callback"});
    constants.copiers[NETIO_COPIER_COPY_UBUFS] = range_of(symbols, "skb_copy_ubufs");
    constants.copiers[NETIO_COPIER_PULL_TAIL] = range_of(symbols, "__pskb_pull_tail");
    constants.copiers[NETIO_COPIER_SEGMENT] = range_of(symbols, "skb_segment");
    constants.copiers[NETIO_COPIER_SKB_COPY] = range_of(symbols, "skb_copy");
    constants.copiers[NETIO_COPIER_COW_DATA] = range_of(symbols, "skb_pp_cow_data");
    constants.head_allocators[0] = range_of(symbols, "kmalloc_reserve");
    constants.head_allocators[1] = range_of(symbols, "__alloc_skb");
    constants.head_allocators[2] = range_of(symbols, "pskb_expand_head");
    constants.notifier = range_of(symbols, "__msg_zerocopy_callback");
    if (constants.notifier.start == 0) {  // inlined into its only caller (Debian's Linux 7.2)
        constants.notifier = range_of(symbols, "msg_zerocopy_complete");
    }
    constants.error_readers[0] = range_of(symbols, "ip_recv_error");
    constants.error_readers[1] = range_of(symbols, "ipv6_recv_error");
}

// bpf_get_current_pid_tgid counts in the initial pid namespace, whose inode is PROC_PID_INIT_INO.
void set_pid_namespace(netio_trace_bpf& skeleton) {
    constexpr ino_t initial = 0xEFFFFFFCU;
    struct stat status {};
    if (stat("/proc/self/ns/pid", &status) == 0 && status.st_ino != initial) {
        skeleton.rodata->pidns_device = status.st_dev;
        skeleton.rodata->pidns_inode = status.st_ino;
    }
}

bool uses_tracepoints(const std::vector<Choice>& choices, std::string_view probe) {
    for (const Choice& choice : choices) {
        if (choice.probe->id == probe) {
            return choice.variant != nullptr && choice.variant->tier == model::Tier::tracepoint;
        }
    }
    return false;
}

void configure(netio_trace_bpf& skeleton, const TracerOptions& options, const std::vector<Choice>& choices,
               const kernel::Symbols* symbols) {
    auto& constants = *skeleton.rodata;
    constants.max_slots = options.max_sockets;
    constants.call_ring = options.calls_in_flight;
    constants.direct_reads = has_function("bpf_rdonly_cast");
    constants.late_from_transmit = uses_tracepoints(choices, "linearise");
    set_symbols(skeleton, symbols);
    set_pid_namespace(skeleton);
    bpf_map__set_max_entries(skeleton.maps.free_slots, options.max_sockets);
    bpf_map__set_max_entries(skeleton.maps.sockets, options.max_sockets);
    bpf_map__set_max_entries(skeleton.maps.socket_refs, options.max_sockets * 2);
    bpf_map__set_max_entries(skeleton.maps.counters, options.max_sockets * NETIO_SITES);
    bpf_map__set_max_entries(skeleton.maps.calls, options.max_sockets * options.calls_in_flight);
    bpf_map__set_max_entries(skeleton.maps.events, options.ring_bytes);
}

Result<Skeleton> open_skeleton(const std::vector<Program>& programs) {
    Skeleton skeleton(netio_trace_bpf::open());
    if (!skeleton) {
        return fail("the BPF programs cannot be opened", errno_text(errno), "", ExitCode::privilege);
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        bpf_program__set_autoload(program, false);
    }
    for (const Program& wanted : programs) {
        bpf_program* found = bpf_object__find_program_by_name(skeleton->obj, std::string(wanted.name).c_str());
        if (found == nullptr) {
            return fail("the catalogue names a program that was not built", std::string(wanted.name));
        }
        bpf_program__set_autoload(found, true);
    }
    return skeleton;
}

Result<void> fill_slots(const netio_trace_bpf& skeleton, std::uint32_t slots) {
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.free_slots), nullptr, &slot, BPF_ANY) != 0) {
            return fail_errno("the table of sockets cannot be filled", errno);
        }
    }
    return {};
}

// The name of the program that failed, with the kernel's word, or nothing.
struct Stumble {
    std::string program;
    std::string why;
};

Result<std::optional<Stumble>> load_programs(netio_trace_bpf& skeleton) {
    last_complaint().clear();
    const int outcome = netio_trace_bpf::load(&skeleton);
    if (outcome == 0) {
        return std::optional<Stumble>{};
    }
    const std::string program = failed_program(last_complaint());
    if (program.empty()) {
        const bool denied = outcome == -EPERM || outcome == -EACCES;
        return fail("the BPF programs cannot be loaded", errno_text(-outcome),
                    denied ? "run it as root (sudo)" : "see what this kernel allows: netio-trace doctor",
                    ExitCode::privilege);
    }
    return std::optional<Stumble>(Stumble{program, "the verifier refused it: " + errno_text(-outcome)});
}

std::optional<Stumble> attach_programs(netio_trace_bpf& skeleton, Links& links) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton.obj) {
        if (!bpf_program__autoload(program)) {
            continue;
        }
        bpf_link* link = bpf_program__attach(program);
        const long error = libbpf_get_error(link);
        if (error != 0) {
            return Stumble{bpf_program__name(program), errno_text(static_cast<int>(-error))};
        }
        links.emplace_back(link);
    }
    return std::nullopt;
}

// Programs that know a function by the addresses of its code.
bool needs_symbols(const Program& program) {
    return program.name == "tp_page_allocated" || program.name == "tp_memory_allocated" ||
           program.name == "tp_packet_consumed";
}

}  // namespace

Result<Loaded> load_and_attach(const TracerOptions& options, const kernel::Symbols* symbols) {
    libbpf_set_print(keep_complaint);
    Trial trial;
    std::map<std::string, std::string> stumbled;  // program name -> why
    const Try attempt = [&](const Program& program) -> Result<void> {
        const auto known = stumbled.find(std::string(program.name));
        if (known != stumbled.end()) {
            return fail("the probe cannot be attached", known->second, "", ExitCode::privilege);
        }
        if (symbols == nullptr && needs_symbols(program)) {
            return fail("the probe cannot be attached", "function addresses are hidden (kernel.kptr_restrict)", "",
                        ExitCode::privilege);
        }
        return trial.attempt(program);
    };
    for (;;) {
        std::vector<Choice> choices = select_variants(catalogue(), options.tier, attempt);
        if (auto forced = check_forced(choices, options.tier); !forced) {
            return tl::make_unexpected(forced.error());
        }
        auto skeleton = open_skeleton(programs_of(choices));
        if (!skeleton) {
            return tl::make_unexpected(skeleton.error());
        }
        configure(**skeleton, options, choices, symbols);
        auto stumble = load_programs(**skeleton);
        if (!stumble) {
            return tl::make_unexpected(stumble.error());
        }
        Links links;
        std::optional<Stumble> obstacle = *stumble ? *stumble : attach_programs(**skeleton, links);
        if (!obstacle) {
            if (auto filled = fill_slots(**skeleton, options.max_sockets); !filled) {
                return tl::make_unexpected(filled.error());
            }
            return Loaded{std::move(*skeleton), std::move(links), std::move(choices)};
        }
        if (!stumbled.emplace(obstacle->program, obstacle->why).second) {
            return fail("the BPF program " + obstacle->program + " cannot be used", obstacle->why,
                        "see what this kernel allows: netio-trace doctor", ExitCode::privilege);
        }
    }
}

}  // namespace netio::probes
