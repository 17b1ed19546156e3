// SPDX-License-Identifier: MIT
#include "probes/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <future>
#include <map>
#include <optional>
#include <string>

#include "base/seccomp.h"
#include "kernel/preemption.h"
#include "probes/forget.h"
#include "probes/pid_namespace.h"
#include "probes/trial.h"
#include "probes/types.h"

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
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length > 0) {  // the verifier's log comes in one piece, and its end matters
        std::string text(static_cast<std::size_t>(length) + 1, '\0');
        std::vsnprintf(text.data(), text.size(), format, arguments);
        last_complaint().append(text, 0, static_cast<std::size_t>(length));
    }
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

// After loading, for the programs are loaded while the symbols are still being read.
void set_addresses(netio_trace_bpf& skeleton, const Addresses& addresses) {
    auto& known = *skeleton.bss;
    known.msgzc_complete = addresses.msgzc_complete;
    known.plain_send = addresses.plain_send;
    known.sockmap_send = addresses.sockmap_send;
    std::copy(addresses.copiers.begin(), addresses.copiers.end(), known.copiers);
    std::copy(addresses.head_allocators.begin(), addresses.head_allocators.end(), known.head_allocators);
}

bool uses_tracepoints(const std::vector<Choice>& choices, std::string_view probe) {
    for (const Choice& choice : choices) {
        if (choice.probe->id == probe) {
            return choice.variant != nullptr && choice.variant->tier == model::Tier::tracepoint;
        }
    }
    return false;
}

// Where a task can be preempted while it runs a program of this kind (bpf/preemption.h).
struct Preemption {
    bool functions = false;
    bool tracepoints = false;
};

Preemption preemption_of(const Result<KernelTypes>& types) {
    const bool preempts = kernel::may_preempt(kernel::Root{});
    // This function came with the readers under which tracepoints no longer keep the CPU (Linux 7.0).
    return {preempts, preempts && types && types->function("init_srcu_struct_fast") != 0};
}

void configure(netio_trace_bpf& skeleton, const TracerOptions& options, const std::vector<Choice>& choices,
               const Result<KernelTypes>& types, const Preemption& preemption) {
    auto& constants = *skeleton.rodata;
    constants.max_slots = options.max_sockets;
    constants.call_ring = options.calls_in_flight;
    constants.page_bytes = static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE));
    constants.direct_reads = types && types->function("bpf_rdonly_cast") != 0;
    constants.functions_preempt = preemption.functions;
    constants.tracepoints_preempt = preemption.tracepoints;
    constants.cpu_can_be_kept = types && types->function("bpf_preempt_disable") != 0;
    constants.late_from_transmit = uses_tracepoints(choices, "linearise");
    set_pid_namespace(constants);
    bpf_map__set_max_entries(skeleton.maps.free_slots, options.max_sockets);
    bpf_map__set_max_entries(skeleton.maps.sockets, options.max_sockets);
    bpf_map__set_max_entries(skeleton.maps.socket_refs, options.max_sockets * 2);
    bpf_map__set_max_entries(skeleton.maps.counters, options.max_sockets * NETIO_SITES);
    bpf_map__set_max_entries(skeleton.maps.calls, options.max_sockets * options.calls_in_flight);
    bpf_map__set_max_entries(skeleton.maps.events, options.ring_bytes);
}

constexpr std::array<const char*, 3> copy_suffixes{"_2", "_3", "_4"};

// Programs that can be preempted hang in several copies, each for what the ones before it had to miss.
void enable_copies(const netio_trace_bpf& skeleton, const Program& program, const Preemption& preemption) {
    const bool function = program.hook == Hook::fentry || program.hook == Hook::fexit;
    const bool tracepoint = program.hook == Hook::tracepoint;
    if (!(function && preemption.functions) && !(tracepoint && preemption.tracepoints)) {
        return;
    }
    for (const char* suffix : copy_suffixes) {
        bpf_program* copy =
            bpf_object__find_program_by_name(skeleton.obj, (std::string(program.name) + suffix).c_str());
        if (copy != nullptr) {
            bpf_program__set_autoload(copy, true);
        }
    }
}

Result<Skeleton> open_skeleton(const std::vector<Program>& programs, const Preemption& preemption) {
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
        enable_copies(*skeleton, wanted, preemption);
    }
    return skeleton;
}

// The name of the program that failed, with the kernel's word, or nothing.
struct Stumble {
    std::string program;
    std::string why;
};

// No program at all can be loaded, for a reason that has nothing to do with it.
Error refused_all(int error) {
    const char* what = "the BPF programs cannot be loaded";
    const bool denied = error == EPERM || error == EACCES;
    if (denied && has_seccomp_filter()) {
        return {what, errno_text(error) + ", and a seccomp filter is in force, as in containers",
                "let bpf(2) and perf_event_open(2) pass the filter (docker, podman: --privileged)",
                ExitCode::privilege};
    }
    return {what, errno_text(error),
            denied ? "run it as root (sudo)" : "see what this kernel allows: netio-trace doctor", ExitCode::privilege};
}

Result<std::optional<Stumble>> load_programs(netio_trace_bpf& skeleton) {
    last_complaint().clear();
    const int outcome = netio_trace_bpf::load(&skeleton);
    if (outcome == 0) {
        return std::optional<Stumble>{};
    }
    const std::string program = failed_program(last_complaint());
    if (program.empty()) {
        return Unexpected(refused_all(-outcome));
    }
    const std::string word = verifier_word(last_complaint());
    return std::optional<Stumble>(
        Stumble{program, "the verifier refused it: " + (word.empty() ? "" : word + ", ") + errno_text(-outcome)});
}

// The program of the catalogue that a refusal of `program` or of one of its copies concerns.
std::string catalogued(const std::vector<Choice>& choices, const std::string& program) {
    const auto programs = programs_of(choices);
    const bool known =
        std::any_of(programs.begin(), programs.end(), [&](const Program& other) { return other.name == program; });
    return known ? program : program.substr(0, program.rfind('_'));
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
        links.add(link);
    }
    return std::nullopt;
}

// Programs that know a function by the addresses of its code.
bool needs_symbols(const Program& program) {
    return program.name == "tp_page_allocated" || program.name == "tp_memory_allocated" ||
           program.name == "tp_node_memory_allocated" || program.name == "tp_packet_rebuilt" ||
           program.name == "tp_packet_rebuilt_v5_10";
}

// Chooses, loads and attaches until nothing that was chosen is refused.
class Loader {
 public:
    explicit Loader(const TracerOptions& options)
        : options_(options),
          pending_code_(read_kernel_code()),
          types_(KernelTypes::load(kernel::Root{})),
          preemption_(preemption_of(types_)),
          trial_(types_) {}

    Result<Loaded> run();

 private:
    Result<void> attempt(const Program& program);
    // What stood in the way of the choice; `loaded` is complete where nothing did.
    Result<std::optional<Stumble>> load_choice(Loaded& loaded);
    std::optional<Stumble> add_code(Loaded& loaded);

    const TracerOptions& options_;
    std::future<KernelCode> pending_code_;
    std::optional<KernelCode> code_;
    Result<KernelTypes> types_;
    Preemption preemption_;
    Trial trial_;
    std::map<std::string, std::string> stumbled_;  // program name -> why
};

Result<void> Loader::attempt(const Program& program) {
    const auto known = stumbled_.find(std::string(program.name));
    if (known != stumbled_.end()) {
        return fail("the probe cannot be attached", known->second, "", ExitCode::privilege);
    }
    return trial_.attempt(program);
}

std::optional<Stumble> Loader::add_code(Loaded& loaded) {
    if (!code_) {
        code_ = pending_code_.get();
    }
    for (const Program& program : programs_of(loaded.choices)) {
        if (!code_->symbols && needs_symbols(program)) {
            return Stumble{std::string(program.name), "function addresses are hidden (kernel.kptr_restrict)"};
        }
    }
    loaded.code = std::move(*code_);
    set_addresses(*loaded.skeleton, loaded.code.addresses);
    return std::nullopt;
}

Result<std::optional<Stumble>> Loader::load_choice(Loaded& loaded) {
    auto skeleton = open_skeleton(programs_of(loaded.choices), preemption_);
    if (!skeleton) {
        return tl::make_unexpected(skeleton.error());
    }
    loaded.skeleton = std::move(*skeleton);
    configure(*loaded.skeleton, options_, loaded.choices, types_, preemption_);
    auto stumble = load_programs(*loaded.skeleton);
    if (!stumble || *stumble) {
        return stumble;
    }
    if (auto obstacle = attach_programs(*loaded.skeleton, loaded.links)) {
        return obstacle;
    }
    if (auto filled = fill_slots(*loaded.skeleton, options_.max_sockets); !filled) {
        return tl::make_unexpected(filled.error());
    }
    return add_code(loaded);
}

Result<Loaded> Loader::run() {
    for (;;) {
        Loaded loaded;
        loaded.choices = select_variants(catalogue(), {options_.tier, preemption_.functions},
                                         [this](const Program& program) { return attempt(program); });
        if (auto forced = check_forced(loaded.choices, options_.tier); options_.insist && !forced) {
            return tl::make_unexpected(forced.error());
        }
        const auto obstacle = load_choice(loaded);
        if (!obstacle) {
            return tl::make_unexpected(obstacle.error());
        }
        if (!*obstacle) {
            return loaded;
        }
        const auto& [program, why] = **obstacle;
        if (!stumbled_.emplace(catalogued(loaded.choices, program), why).second) {
            return fail("the BPF program " + program + " cannot be used", why,
                        "see what this kernel allows: netio-trace doctor", ExitCode::privilege);
        }
    }
}

}  // namespace

Result<Loaded> load_and_attach(const TracerOptions& options) {
    libbpf_set_print(keep_complaint);
    return Loader(options).run();
}

}  // namespace netio::probes
