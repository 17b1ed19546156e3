// SPDX-License-Identifier: MIT
#include "probes/timing.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "kernel/root.h"
#include "probes/links.h"
#include "probes/pid_namespace.h"
#include "probes/run_stats.h"
#include "probes/timed_stages.h"
#include "probes/timing_skeleton.h"
#include "probes/types.h"

namespace netio::probes {

namespace {

struct SkeletonDeleter {
    void operator()(netio_timing_bpf* skeleton) const { netio_timing_bpf::destroy(skeleton); }
};
using TimingSkeleton = std::unique_ptr<netio_timing_bpf, SkeletonDeleter>;

// What libbpf says of a failure is not printed: the error that follows says it.
struct Silence {
    libbpf_print_fn_t before = libbpf_set_print(nullptr);
    Silence() = default;
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() { libbpf_set_print(before); }
};

// A function that programs hang on the entry and the exit of.
struct TimedFunction {
    std::uint32_t stage;
    std::string_view name;
};

// Those that the running kernel has.
std::vector<TimedFunction> functions_to_time(const KernelTypes& types) {
    std::vector<TimedFunction> functions;
    const auto& stages = timed_stages();
    for (std::uint32_t stage = 0; stage < stages.size(); ++stage) {
        for (const std::string_view name : stages[stage].functions) {
            if (types.function(name) != 0 && functions.size() < NETIO_TIMED_FUNCTIONS) {
                functions.push_back({stage, name});
            }
        }
    }
    return functions;
}

bpf_program* program_of(const netio_timing_bpf& skeleton, const char* what, std::size_t number) {
    return bpf_object__find_program_by_name(skeleton.obj, (what + std::to_string(number)).c_str());
}

constexpr const char* entered = "entered_";
constexpr const char* left = "left_";

// System calls by what they are to the data path. An old 32-bit program numbers them otherwise, and is timed as other.
void set_system_calls(netio_timing_bpf::netio_timing_bpf__rodata& constants) {
    for (const long number : {SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_write, SYS_writev, SYS_sendfile, SYS_splice}) {
        constants.stage_of_call[number] = NETIO_STAGE_SEND_CALL;
    }
    for (const long number : {SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_read, SYS_readv}) {
        constants.stage_of_call[number] = NETIO_STAGE_RECEIVE_CALL;
    }
}

void choose_functions(const netio_timing_bpf& skeleton, const std::vector<TimedFunction>& functions) {
    for (std::size_t i = 0; i < NETIO_TIMED_FUNCTIONS; ++i) {
        const bool used = i < functions.size();
        for (const char* what : {entered, left}) {
            bpf_program* program = program_of(skeleton, what, i);
            bpf_program__set_autoload(program, used);
            if (used) {
                bpf_program__set_attach_target(program, 0, std::string(functions[i].name).c_str());
            }
        }
        skeleton.rodata->stage_of[i] = used ? functions[i].stage : 0;
    }
}

Result<TimingSkeleton> open_skeleton(const std::vector<TimedFunction>& functions, const TimerOptions& options) {
    constexpr std::uint32_t passage_bytes = 4U << 20;
    TimingSkeleton skeleton(netio_timing_bpf::open());
    if (!skeleton) {
        return fail_errno("the timing programs cannot be opened", errno, "", ExitCode::privilege);
    }
    skeleton->rodata->counts = options.counters.missing.empty();
    skeleton->rodata->records = options.passages;
    set_pid_namespace(*skeleton->rodata);
    set_system_calls(*skeleton->rodata);
    choose_functions(*skeleton, functions);
    if (options.passages) {
        bpf_map__set_max_entries(skeleton->maps.passages, passage_bytes);
    }
    return skeleton;
}

Result<void> hand_over(const netio_timing_bpf& skeleton, const CpuCounters& counters) {
    for (const CpuCounter& counter : counters.cpus) {
        const int cycles = bpf_map__fd(skeleton.maps.cycles);
        const int instructions = bpf_map__fd(skeleton.maps.instructions);
        if (bpf_map_update_elem(cycles, &counter.cpu, &counter.cycles, BPF_ANY) != 0 ||
            bpf_map_update_elem(instructions, &counter.cpu, &counter.instructions, BPF_ANY) != 0) {
            return fail_errno("the counters of CPU " + std::to_string(counter.cpu) + " cannot be read by BPF programs",
                              errno);
        }
    }
    return {};
}

struct RingDeleter {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

}  // namespace

struct Timer::State {
    TimingSkeleton skeleton;
    Links links;                                         // destroyed before the skeleton
    std::unique_ptr<ring_buffer, RingDeleter> ring;      // none: passages are not kept
    std::vector<std::vector<std::string>> functions_of;  // stage -> those that are probed
    std::vector<std::string> refused;                    // stage -> why its function is not; empty: nobody refused
    std::string not_counted;
    std::string not_probed;
    model::Timeline kept;

    static constexpr std::size_t most_passages = 2'000'000;

    static int keep_passage(void* context, void* data, std::size_t size) {
        auto& kept = static_cast<State*>(context)->kept;
        netio_passage passage{};
        if (size < sizeof(passage) || kept.passages.size() >= most_passages) {
            ++kept.lost;
            return 0;
        }
        std::memcpy(&passage, data, sizeof(passage));
        kept.passages.push_back(
            {passage.thread, role_of(passage.role), passage.stage, passage.begin_ns, passage.duration_ns});
        return 0;
    }

    static model::Role role_of(std::uint32_t role) { return role == 0 ? model::Role::server : model::Role::client; }

    Result<void> attach(const bpf_program* program) {
        bpf_link* link = bpf_program__attach(program);
        const long error = libbpf_get_error(link);
        if (error != 0) {
            return fail_errno(std::string("the timing program ") + bpf_program__name(program) + " cannot be attached",
                              static_cast<int>(-error), "", ExitCode::privilege);
        }
        links.add(link);
        return {};
    }

    // Both programs of a function, or none: the kernel may have the function and no place in it to hang them on.
    // The exit first: what is entered before is not taken for missed.
    void attach_function(const TimedFunction& function, std::size_t number) {
        auto attached = attach(program_of(*skeleton, left, number)).and_then([&] {
            return attach(program_of(*skeleton, entered, number));
        });
        if (attached) {
            functions_of[function.stage].emplace_back(function.name);
        } else {
            refused[function.stage] = std::string(function.name) + ": " + attached.error().why;
        }
    }

    Result<void> attach_all(const std::vector<TimedFunction>& functions) {
        functions_of.assign(timed_stages().size(), {});
        refused.assign(timed_stages().size(), not_probed);
        for (std::size_t i = 0; i < functions.size(); ++i) {
            attach_function(functions[i], i);
        }
        const auto& programs = skeleton->progs;
        for (const bpf_program* program : {programs.system_call_left, programs.system_call_entered,
                                           programs.softirq_left, programs.softirq_entered, programs.thread_switched}) {
            if (auto attached = attach(program); !attached) {
                return attached;
            }
        }
        return {};
    }

    Result<void> load(const std::vector<TimedFunction>& functions, const TimerOptions& options) {
        links = {};
        functions_of.clear();
        auto opened = open_skeleton(functions, options);
        if (!opened) {
            return Unexpected(opened.error());
        }
        skeleton = std::move(*opened);
        if (const int outcome = netio_timing_bpf::load(skeleton.get()); outcome != 0) {
            return fail_errno("the timing programs cannot be loaded", -outcome,
                              "see what this kernel allows: netio-trace doctor", ExitCode::privilege);
        }
        if (options.passages) {
            ring.reset(ring_buffer__new(bpf_map__fd(skeleton->maps.passages), keep_passage, this, nullptr));
        }
        return hand_over(*skeleton, options.counters).and_then([&] { return attach_all(functions); });
    }

    model::TimedPassages passages(std::uint32_t role, std::uint32_t stage) const {
        std::vector<netio_stage_sum> cpus(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        const std::uint32_t index = role * NETIO_STAGES + stage;
        bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.sums), &index, cpus.data());
        model::TimedPassages sum;
        sum.role = role_of(role);
        for (const netio_stage_sum& cpu : cpus) {
            sum.calls += cpu.calls;
            sum.ns += cpu.own.ns;
            sum.cycles += cpu.own.cycles;
            sum.instructions += cpu.own.instructions;
        }
        return sum;
    }
};

Timer::Timer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&&) noexcept = default;
Timer::~Timer() = default;

Result<Timer> Timer::attach(const TimerOptions& options) {
    const Silence silence;
    const auto types = KernelTypes::load(kernel::Root{});
    if (!types) {
        return Unexpected(types.error());
    }
    auto state = std::make_unique<State>();
    state->not_counted = options.counters.missing;
    auto loaded = state->load(functions_to_time(*types), options);
    if (!loaded) {
        state->not_probed = "fentry programs are refused: " + loaded.error().why;
        loaded = state->load({}, options);
    }
    if (!loaded) {
        return Unexpected(loaded.error());
    }
    return Timer(std::move(state));
}

Result<void> Timer::add_target(pid_t process, model::Role role) {
    const auto key = static_cast<std::uint32_t>(process);
    const std::uint32_t value = role == model::Role::server ? 0 : 1;
    if (bpf_map_update_elem(bpf_map__fd(state_->skeleton->maps.targets), &key, &value, BPF_ANY) != 0) {
        return fail_errno("process " + std::to_string(process) + " cannot be timed", errno);
    }
    return {};
}

void Timer::start() {
    __atomic_store_n(&state_->skeleton->bss->measuring, 1U, __ATOMIC_SEQ_CST);
}

void Timer::stop() {
    __atomic_store_n(&state_->skeleton->bss->measuring, 0U, __ATOMIC_SEQ_CST);
}

void Timer::poll() {
    if (state_->ring) {
        ring_buffer__consume(state_->ring.get());
    }
}

model::TimingFacts Timer::collect() {
    poll();
    model::TimingFacts facts;
    facts.not_counted = state_->not_counted;
    facts.missed = state_->skeleton->bss->missed;
    const auto& stages = timed_stages();
    for (std::uint32_t stage = 0; stage < stages.size(); ++stage) {
        const StageRow& row = stages[stage];
        const auto& functions = state_->functions_of[stage];
        model::TimedStage timed{std::string(row.id), std::string(row.name), functions, {}, row.waiting, {}};
        if (!row.functions.empty() && functions.empty()) {
            const std::string& why = state_->refused[stage];
            timed.unseen = why.empty() ? "this kernel has no function of it by a known name" : why;
        }
        for (std::uint32_t role = 0; role < NETIO_TIMED_ROLES; ++role) {
            timed.passages.push_back(state_->passages(role, stage));
        }
        facts.stages.push_back(std::move(timed));
    }
    return facts;
}

std::vector<model::ProgramRuns> Timer::runs() const {
    return runs_of(*state_->skeleton->obj);
}

model::Timeline Timer::take_timeline() {
    state_->kept.lost += state_->skeleton->bss->unrecorded;
    for (const StageRow& row : timed_stages()) {
        state_->kept.stages.emplace_back(row.name);
    }
    return std::move(state_->kept);
}

}  // namespace netio::probes
