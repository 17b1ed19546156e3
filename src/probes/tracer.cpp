// SPDX-License-Identifier: MIT
#include "probes/tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <tuple>

#include "model/site.h"
#include "probes/decode.h"
#include "probes/forget.h"
#include "probes/load.h"
#include "probes/run_stats.h"

namespace netio::probes {

static_assert(static_cast<int>(model::Site::send_pinned) == NETIO_SEND_PINNED);
static_assert(static_cast<int>(model::Site::completed_unresolved) == NETIO_COMPLETED_UNRESOLVED);
static_assert(static_cast<int>(model::Site::receive_returned) == NETIO_RECEIVE_RETURNED);
static_assert(model::site_count == NETIO_SITES);

namespace {

struct RingDeleter {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

using KeyOrder = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::uint8_t, std::uint8_t, std::uint8_t>;

KeyOrder order_of(const netio_late_key& key) {
    return {key.device, key.slot, key.stack, key.direction, key.copier, key.user_pages};
}

// Calls `visit(key)` for every key of a hash map.
template <class Key, class Visit>
void for_each_key(int map, Visit visit) {
    Key key{};
    Key next{};
    for (bool more = bpf_map_get_next_key(map, nullptr, &next) == 0; more;
         more = bpf_map_get_next_key(map, &key, &next) == 0) {
        key = next;
        visit(key);
    }
}

// The BPF programs tell devices apart by kernel address, which must not leave this process: they are numbered.
void number_devices(TraceFacts& facts) {
    std::map<std::uint64_t, std::uint64_t> numbers{{0, 0}};
    for (auto& device : facts.devices) {
        device.key = numbers.emplace(device.key, numbers.size()).first->second;
    }
    for (auto& copy : facts.late_copies) {
        const auto found = numbers.find(copy.device);
        copy.device = found == numbers.end() ? 0 : found->second;
    }
}

bool is_loaded(const std::string& module) {
    return std::filesystem::exists("/sys/kernel/btf/" + module);
}

std::vector<std::string> modules_to_come() {
    std::vector<std::string> absent;
    for (const Probe& probe : catalogue()) {
        for (const Program& program : probe.beside) {
            if (!program.module.empty() && !is_loaded(std::string(program.module))) {
                absent.emplace_back(program.module);
            }
        }
    }
    return absent;
}

}  // namespace

struct Tracer::State {
    TracerOptions options;
    Loaded loaded;
    std::vector<model::ProbeFacts> probes;
    std::unique_ptr<ring_buffer, RingDeleter> ring;
    std::map<std::int32_t, model::Role> roles;
    std::map<KeyOrder, netio_event> stacks;  // the first copy of each key
    std::vector<std::string> modules;        // that hold functions to attach to, and were not loaded at that time
    bool code_changed = false;               // modules and programs may have come since the symbols were read

    int fd(const bpf_map* map) const { return bpf_map__fd(map); }
    const auto& maps() const { return loaded.skeleton->maps; }

    static int keep_event(void* context, void* data, std::size_t size) {
        if (size >= sizeof(netio_event)) {
            netio_event event{};
            std::memcpy(&event, data, sizeof(event));
            static_cast<State*>(context)->stacks.emplace(order_of(event.key), event);
        }
        return 0;
    }

    // Scenarios load modules and programs of their own, whose names are evidence.
    void read_new_code() {
        if (!code_changed || stacks.empty()) {
            return;
        }
        loaded.code = read_kernel_code().get();
        code_changed = false;
    }

    std::vector<std::vector<netio_tally>> read_counters(std::uint32_t slot) const {
        const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
        std::vector<std::vector<netio_tally>> sites(NETIO_SITES, std::vector<netio_tally>(cpus));
        for (std::uint32_t site = 0; site < NETIO_SITES; ++site) {
            const std::uint32_t index = slot * NETIO_SITES + site;
            bpf_map_lookup_elem(fd(maps().counters), &index, sites[site].data());
        }
        return sites;
    }

    std::vector<model::SocketFacts> read_sockets() const {
        std::vector<model::SocketFacts> facts;
        for (std::uint32_t slot = 0; slot < options.max_sockets; ++slot) {
            netio_socket socket{};
            if (bpf_map_lookup_elem(fd(maps().sockets), &slot, &socket) != 0 || socket.used == 0) {
                continue;
            }
            const auto role = roles.find(static_cast<std::int32_t>(socket.tgid));
            auto decoded = decode_socket(slot, socket, role == roles.end() ? model::Role::server : role->second);
            decoded.sites = decode_sites(read_counters(slot));
            facts.push_back(std::move(decoded));
        }
        return facts;
    }

    void read_errors(std::vector<model::SocketFacts>& sockets) const {
        for_each_key<netio_error_key>(fd(maps().send_errors), [&](const netio_error_key& key) {
            std::uint64_t times = 0;
            bpf_map_lookup_elem(fd(maps().send_errors), &key, &times);
            for (auto& socket : sockets) {
                if (socket.slot == key.slot) {
                    socket.send_errors[-key.error] = times;
                }
            }
        });
    }

    std::vector<model::DeviceFacts> read_devices() const {
        std::vector<model::DeviceFacts> facts;
        for_each_key<std::uint64_t>(fd(maps().devices), [&](const std::uint64_t& key) {
            netio_device device{};
            bpf_map_lookup_elem(fd(maps().devices), &key, &device);
            facts.push_back(decode_device(key, device));
        });
        return facts;
    }

    netio_late_value sum_copies(const netio_late_key& key) const {
        std::vector<netio_late_value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        bpf_map_lookup_elem(fd(maps().late_copies), &key, values.data());
        netio_late_value sum{};
        for (const netio_late_value& value : values) {
            sum.copies += value.copies;
            sum.bytes += value.bytes;
            sum.pages += value.pages;
        }
        return sum;
    }

    // The stack of a key; where its own event was lost, that of another socket with the same stack.
    std::vector<std::string> stack_of(const netio_late_key& key) const {
        const auto& symbols = loaded.code.symbols;
        const kernel::Symbols* known = symbols ? &*symbols : nullptr;
        const auto own = stacks.find(order_of(key));
        if (own != stacks.end()) {
            return decode_stack(own->second, known);
        }
        const auto other = std::find_if(stacks.begin(), stacks.end(), [&](const auto& entry) {
            return entry.second.key.stack == key.stack && entry.second.key.copier == key.copier;
        });
        if (other != stacks.end() && key.stack != 0) {
            return decode_stack(other->second, known);
        }
        // The event was lost; the function itself is known from the key, unless the copy was inferred.
        return key.copier != NETIO_COPIER_UNKNOWN ? std::vector<std::string>{std::string(copier_name(key.copier))}
                                                  : std::vector<std::string>{};
    }

    std::vector<model::LateCopyFacts> read_late_copies() const {
        std::vector<model::LateCopyFacts> facts;
        for_each_key<netio_late_key>(fd(maps().late_copies), [&](const netio_late_key& key) {
            const netio_late_value value = sum_copies(key);
            if (value.bytes != 0) {
                facts.push_back(decode_late_copy(key, value, stack_of(key)));
            }
        });
        return facts;
    }
};

Tracer::Tracer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;
Tracer::~Tracer() = default;

Result<Tracer> Tracer::attach(const TracerOptions& options) {
    auto state = std::make_unique<State>();
    auto loaded = load_and_attach(options);
    if (!loaded) {
        return tl::make_unexpected(loaded.error());
    }
    state->loaded = std::move(*loaded);
    state->probes = describe_choices(state->loaded.choices);
    state->options = options;
    state->modules = modules_to_come();
    state->ring.reset(ring_buffer__new(state->fd(state->maps().events), State::keep_event, state.get(), nullptr));
    if (!state->ring) {
        return fail_errno("the ring buffer cannot be mapped", errno, "", ExitCode::privilege);
    }
    return Tracer(std::move(state));
}

const std::vector<model::ProbeFacts>& Tracer::probes() const {
    return state_->probes;
}

Result<void> Tracer::add_target(pid_t process, model::Role role) {
    const auto key = static_cast<std::uint32_t>(process);
    const std::uint32_t one = 1;
    if (bpf_map_update_elem(state_->fd(state_->maps().targets), &key, &one, BPF_ANY) != 0) {
        return fail_errno("process " + std::to_string(process) + " cannot be traced", errno);
    }
    state_->roles[static_cast<std::int32_t>(process)] = role;
    return {};
}

void Tracer::start() {
    __atomic_store_n(&state_->loaded.skeleton->bss->measuring, 1U, __ATOMIC_SEQ_CST);
}

void Tracer::stop() {
    __atomic_store_n(&state_->loaded.skeleton->bss->measuring, 0U, __ATOMIC_SEQ_CST);
}

void Tracer::poll() {
    ring_buffer__consume(state_->ring.get());
}

TraceFacts Tracer::collect() {
    poll();
    state_->read_new_code();
    TraceFacts facts;
    facts.sockets = state_->read_sockets();
    state_->read_errors(facts.sockets);
    facts.devices = state_->read_devices();
    facts.late_copies = state_->read_late_copies();
    number_devices(facts);
    const auto& counts = *state_->loaded.skeleton->bss;
    facts.lost_events = counts.lost_events;
    facts.lost_copies = counts.lost_copies;
    facts.untracked_sockets = counts.untracked_sockets;
    return facts;
}

std::vector<model::ProgramRuns> Tracer::runs() const {
    return runs_of(*state_->loaded.skeleton->obj);
}

Result<void> Tracer::reset() {
    stop();
    poll();
    state_->stacks.clear();
    state_->roles.clear();
    state_->code_changed = true;
    return forget(*state_->loaded.skeleton, state_->options);
}

bool Tracer::serves(const TracerOptions& options) const {
    const TracerOptions& own = state_->options;
    return own.tier == options.tier && own.insist == options.insist && own.ring_bytes == options.ring_bytes &&
           own.max_sockets >= options.max_sockets && own.calls_in_flight >= options.calls_in_flight &&
           std::none_of(state_->modules.begin(), state_->modules.end(), is_loaded);
}

std::vector<model::ProbeFacts> refused_probes(const Error& error) {
    std::vector<Choice> choices;
    for (const Probe& probe : catalogue()) {
        choices.push_back({&probe, nullptr, {"every program: " + describe(error)}, {}});
    }
    return describe_choices(choices);
}

std::vector<model::ProbeFacts> survey_probes(model::Tier tier) {
    TracerOptions options;
    options.tier = tier;
    options.max_sockets = 1;
    options.insist = false;
    const auto loaded = load_and_attach(options);
    return loaded ? describe_choices(loaded->choices) : refused_probes(loaded.error());
}

}  // namespace netio::probes
