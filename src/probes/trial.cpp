// SPDX-License-Identifier: MIT
#include "probes/trial.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "kernel/limits.h"

namespace netio::probes {

namespace {

// r0 = 0; exit
constexpr std::array<bpf_insn, 2> empty_program{{
    {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
    {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
}};

bpf_attach_type attach_type(Hook hook) {
    switch (hook) {
        case Hook::fentry:
            return BPF_TRACE_FENTRY;
        case Hook::fexit:
            return BPF_TRACE_FEXIT;
        default:
            return BPF_TRACE_RAW_TP;
    }
}

Unexpected refused(std::string why) {
    return fail("the probe cannot be attached", std::move(why), "", ExitCode::privilege);
}

Result<void> check_arguments(const Program& program, const KernelTypes& types, std::uint32_t type) {
    const auto arguments = types.arguments(type);
    if (program.arguments != 0 && arguments && *arguments != program.arguments) {
        return refused("it has " + std::to_string(*arguments) + " arguments in this kernel, not " +
                       std::to_string(program.arguments));
    }
    return {};
}

// kprobes by perf_event_open(2), as libbpf attaches them where it can.
Result<Fd> open_kprobe(const std::string& function) {
    const auto type = read_file("/sys/bus/event_source/devices/kprobe/type");
    if (!type) {
        return refused("this kernel has no kprobes (CONFIG_KPROBES is off)");
    }
    perf_event_attr attributes{};
    attributes.size = sizeof(attributes);
    attributes.type = static_cast<std::uint32_t>(std::stoul(*type));
    attributes.config1 = reinterpret_cast<std::uint64_t>(function.c_str());
    const long fd = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) {
        return refused(errno == ENOENT ? "no such function in this kernel" : errno_text(errno));
    }
    return Fd(static_cast<int>(fd));
}

}  // namespace

// A tracepoint that is there takes programs, and no permission to load any shows with the real ones.
Trial::Trial(const Result<KernelTypes>& types) : types_(types), works_{Hook::tracepoint} {}

Result<void> Trial::attempt(const Program& program) {
    const std::string key = spell(program) + " " + std::to_string(program.arguments);
    const auto found = known_.find(key);
    if (found != known_.end()) {
        return found->second;
    }
    return known_.emplace(key, attempt_uncached(program)).first->second;
}

const Result<KernelTypes>& Trial::types_of(std::string_view module) {
    const auto known = modules_.find(module);
    if (known != modules_.end()) {
        return known->second;
    }
    return modules_.emplace(module, types_->load_module(kernel::Root{}, module)).first->second;
}

// An empty program hung on it would only cost time: that it can hang there shows with the real one.
Result<void> Trial::attempt_module(const Program& program) {
    const auto& types = types_of(program.module);
    if (!types) {
        return refused("the module " + std::string(program.module) + " is not loaded, or describes no types");
    }
    const std::uint32_t type = types->function(program.symbol);
    if (type == 0) {
        return refused("no such function in the module " + std::string(program.module));
    }
    return check_arguments(program, *types, type);
}

Result<void> Trial::attempt_uncached(const Program& program) {
    if (!types_) {
        return refused("this kernel describes no types: " + types_.error().why);
    }
    if (!program.module.empty()) {
        return attempt_module(program);
    }
    const bool kprobe = program.hook == Hook::kprobe;
    const bool tracepoint = program.hook == Hook::tracepoint || program.hook == Hook::perf_tracepoint;
    const std::uint32_t type = tracepoint ? types_->tracepoint(program.symbol) : types_->function(program.symbol);
    if (type == 0 && !kprobe) {
        return refused(tracepoint ? "no such tracepoint in this kernel" : "no such function in this kernel");
    }
    if (auto fits = check_arguments(program, *types_, type); !fits) {
        return fits;
    }
    if (program.hook == Hook::perf_tracepoint) {  // perf knows it by the number that tracefs shows
        return kernel::tracefs_folder(kernel::Root{}) ? Result<void>{} : refused("tracefs is not mounted");
    }
    // Kprobes need no type: a function without one is worth trying.
    if (type != 0 && works_.contains(program.hook)) {
        return {};
    }
    auto outcome = kprobe ? attempt_kprobe(program) : attempt_btf(program, type);
    if (outcome) {
        works_.insert(program.hook);
    }
    return outcome;
}

void Trial::keep(Fd first, Fd second) {
    held_.push_back(std::move(first));
    held_.push_back(std::move(second));
}

Result<void> Trial::attempt_btf(const Program& program, std::uint32_t type_id) {
    bpf_prog_load_opts options{};
    options.sz = sizeof(options);
    options.expected_attach_type = attach_type(program.hook);
    options.attach_btf_id = type_id;
    Fd loaded(bpf_prog_load(BPF_PROG_TYPE_TRACING, "netio_trial", "Dual BSD/GPL", empty_program.data(),
                            empty_program.size(), &options));
    if (!loaded.valid()) {
        return refused(errno_text(errno));
    }
    Fd attached(bpf_raw_tracepoint_open(nullptr, loaded.get()));
    if (!attached.valid()) {
        return refused(errno_text(errno));
    }
    keep(std::move(loaded), std::move(attached));
    return {};
}

Result<void> Trial::attempt_kprobe(const Program& program) {
    auto event = open_kprobe(std::string(program.symbol));
    if (!event) {
        return tl::make_unexpected(event.error());
    }
    Fd loaded(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "netio_trial", "Dual BSD/GPL", empty_program.data(),
                            empty_program.size(), nullptr));
    if (!loaded.valid() || ioctl(event->get(), PERF_EVENT_IOC_SET_BPF, loaded.get()) != 0) {
        return refused(errno_text(errno));
    }
    keep(std::move(*event), std::move(loaded));
    return {};
}

}  // namespace netio::probes
