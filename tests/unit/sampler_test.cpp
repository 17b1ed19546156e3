// SPDX-License-Identifier: MIT
#include "perf/sampler.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fake_root.h"
#include "perf/cpu_counters.h"
#include "perf/records.h"
#include "perf/ring.h"
#include "pmu_fixture.h"

namespace {

using namespace netio::perf;
using netio::Fd;

constexpr std::uint64_t in_kernel = static_cast<std::uint64_t>(PERF_CONTEXT_KERNEL);
constexpr std::uint64_t in_user = static_cast<std::uint64_t>(PERF_CONTEXT_USER);

// Bytes as the kernel lays them out.
class Bytes {
 public:
    template <class T>
    Bytes& put(T value) {
        const auto* from = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), from, from + sizeof(T));
        return *this;
    }
    const std::vector<std::byte>& all() const { return bytes_; }

 private:
    std::vector<std::byte> bytes_;
};

std::vector<std::byte> record(std::uint32_t type, std::uint16_t misc, const Bytes& body) {
    perf_event_header header{};
    header.type = type;
    header.misc = misc;
    header.size = static_cast<std::uint16_t>(sizeof(header) + body.all().size());
    std::vector<std::byte> whole = Bytes().put(header).all();
    whole.insert(whole.end(), body.all().begin(), body.all().end());
    return whole;
}

std::vector<std::byte> sample(std::int32_t pid, std::uint64_t period, const std::vector<std::uint64_t>& chain,
                              std::uint16_t mode = PERF_RECORD_MISC_KERNEL) {
    Bytes body;
    body.put(std::uint64_t{0xffffffff81000001}).put(pid).put(pid + 1).put(period).put(std::uint64_t{chain.size()});
    for (const std::uint64_t address : chain) {
        body.put(address);
    }
    return record(PERF_RECORD_SAMPLE, mode, body);
}

std::vector<std::byte> lost(std::uint64_t count) {
    return record(PERF_RECORD_LOST, 0, Bytes().put(std::uint64_t{7}).put(count));
}

std::vector<std::byte> throttle() {
    return record(PERF_RECORD_THROTTLE, 0, Bytes().put(std::uint64_t{1}).put(std::uint64_t{2}).put(std::uint64_t{3}));
}

// The kernel's side of a buffer of one control page and `data_bytes`.
class Writer {
 public:
    explicit Writer(std::size_t data_bytes)
        : memory_(new std::byte[page + data_bytes](), std::default_delete<std::byte[]>()), bytes_(page + data_bytes) {
        control().data_offset = page;
        control().data_size = data_bytes;
    }
    perf_event_mmap_page& control() const { return *reinterpret_cast<perf_event_mmap_page*>(memory_.get()); }
    Mapping mapping() const { return {memory_, bytes_}; }
    std::uint64_t used() const { return control().data_head - control().data_tail; }
    void write(const std::vector<std::byte>& bytes) const {
        for (const std::byte byte : bytes) {
            memory_.get()[page + control().data_head % control().data_size] = byte;
            ++control().data_head;
        }
    }

 private:
    static constexpr std::size_t page = 4096;
    std::shared_ptr<std::byte> memory_;
    std::size_t bytes_;
};

std::vector<std::vector<std::byte>> drained(Ring& ring, bool sound = true) {
    std::vector<std::vector<std::byte>> records;
    CHECK(ring.drain([&](Ring::Record bytes) { records.emplace_back(bytes.begin(), bytes.end()); }) == sound);
    return records;
}

// A kernel with a buffer for each processor.
class FakeApi final : public SamplerApi {
 public:
    std::function<int(const perf_event_attr&, std::uint32_t)> refuse = [](const auto&, auto) { return 0; };
    std::function<int(std::uint32_t)> refuse_map = [](auto) { return 0; };
    std::function<int(std::uint32_t, Switch)> refuse_turn = [](auto, auto) { return 0; };
    std::function<tl::expected<Sample, int>(std::uint32_t)> count = [](auto) { return Sample{1000, 500, 500}; };
    std::vector<std::pair<perf_event_attr, std::uint32_t>> openings;
    std::map<std::uint32_t, Writer> buffers;
    std::map<std::uint32_t, std::size_t> mapped_bytes;
    std::map<std::uint32_t, bool> on;

    tl::expected<Fd, int> open_on_cpu(const perf_event_attr& attr, std::uint32_t cpu) override {
        openings.emplace_back(attr, cpu);
        if (const int error = refuse(attr, cpu); error != 0) {
            return tl::unexpected(error);
        }
        Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        REQUIRE(fd.valid());
        cpus_[fd.get()] = cpu;
        return fd;
    }
    tl::expected<Mapping, int> map(const Fd& event, std::size_t bytes) override {
        const std::uint32_t cpu = cpus_.at(event.get());
        if (const int error = refuse_map(cpu); error != 0) {
            return tl::unexpected(error);
        }
        mapped_bytes[cpu] = bytes;
        return buffers.insert_or_assign(cpu, Writer(8192)).first->second.mapping();
    }
    int turn(const Fd& event, Switch to) override {
        const std::uint32_t cpu = cpus_.at(event.get());
        const int error = refuse_turn(cpu, to);
        on[cpu] = error == 0 ? to == Switch::on : on[cpu];
        return error;
    }
    tl::expected<Sample, int> read(const Fd& event) override { return count(cpus_.at(event.get())); }

 private:
    std::map<int, std::uint32_t> cpus_;
};

bool is_cycles(const perf_event_attr& attr) {
    return attr.type == PERF_TYPE_HARDWARE && attr.config == PERF_COUNT_HW_CPU_CYCLES;
}

const std::vector<std::uint32_t> two_cpus{0, 5};
const Host without_pmu{{}, 2};
const Host with_pmu{{"cpu"}, 1};

netio::Result<Sampler> open_sampler(FakeApi& api, const Host& host = with_pmu) {
    return Sampler::open(997, two_cpus, {}, host, api);
}

}  // namespace

TEST_CASE("ring: records come in order, and their room is given back") {
    const Writer kernel(1024);
    Ring ring(kernel.mapping());
    CHECK(drained(ring).empty());
    kernel.write(lost(3));
    kernel.write(throttle());
    const auto records = drained(ring);
    REQUIRE(records.size() == 2);
    CHECK(records[0] == lost(3));
    CHECK(records[1] == throttle());
    CHECK(kernel.used() == 0);
    CHECK(drained(ring).empty());
}

TEST_CASE("ring: a record over the end of the buffer is whole, wherever it is cut") {
    for (std::size_t before = 0; before <= 12; ++before) {
        const Writer kernel(256);
        Ring ring(kernel.mapping());
        for (std::size_t i = 0; i < before; ++i) {  // 24 bytes each: 256 is no multiple
            kernel.write(lost(i));
            CHECK(drained(ring).size() == 1);
        }
        const auto written = sample(4, 9, {in_kernel, 0xffffffff81000002, 0xffffffff81000003});
        kernel.write(written);
        kernel.write(lost(99));
        const auto records = drained(ring);
        REQUIRE(records.size() == 2);
        CHECK(records[0] == written);
        CHECK(records[1] == lost(99));
    }
}

TEST_CASE("ring: what is no record is thrown away, and said") {
    const Writer kernel(256);
    Ring ring(kernel.mapping());
    kernel.write(lost(1));
    kernel.write(std::vector<std::byte>(16));  // a length of 0 would never end
    CHECK(drained(ring, false).size() == 1);
    CHECK(kernel.used() == 0);
    kernel.write(lost(2));
    CHECK(drained(ring).size() == 1);
    kernel.control().data_head += 100'000;  // more than there is room for
    CHECK(drained(ring, false).empty());
    auto longer = lost(3);
    longer[6] = std::byte{200};  // perf_event_header::size
    kernel.write(longer);
    CHECK(drained(ring, false).empty());
}

TEST_CASE("record: a sample in the kernel keeps the kernel's part of its call chain") {
    const auto bytes = sample(42, 1003009, {in_kernel, 0xffffffff81000005, 0xffffffff81000006, in_user, 0x401000});
    const auto decoded = decode_record(bytes);
    REQUIRE(decoded);
    const auto& found = std::get<StackSample>(*decoded);
    CHECK(found.pid == 42);
    CHECK(found.kernel);
    CHECK(found.period == 1003009);
    CHECK(found.chain == std::vector<std::uint64_t>{0xffffffff81000005, 0xffffffff81000006});
}

TEST_CASE("record: without a call chain a sample in the kernel is where it was interrupted") {
    const auto decoded = decode_record(sample(42, 1, {}));
    REQUIRE(decoded);
    CHECK(std::get<StackSample>(*decoded).chain == std::vector<std::uint64_t>{0xffffffff81000001});
}

TEST_CASE("record: a sample in the program has no frames") {
    const auto decoded = decode_record(sample(42, 1, {in_user, 0x401000}, PERF_RECORD_MISC_USER));
    REQUIRE(decoded);
    CHECK_FALSE(std::get<StackSample>(*decoded).kernel);
    CHECK(std::get<StackSample>(*decoded).chain.empty());
}

TEST_CASE("record: a chain that says it is longer than the record is none") {
    auto bytes = sample(42, 1, {in_kernel, 0xffffffff81000005});
    const std::uint64_t length = std::uint64_t{1} << 61U;
    std::memcpy(bytes.data() + sizeof(perf_event_header) + 24, &length, sizeof(length));
    CHECK_FALSE(decode_record(bytes));
    bytes.resize(20);
    CHECK_FALSE(decode_record(bytes));
    bytes.resize(3);
    CHECK_FALSE(decode_record(bytes));
    CHECK_FALSE(decode_record(record(PERF_RECORD_LOST, 0, Bytes().put(std::uint64_t{7}))));
    CHECK_FALSE(decode_record(record(PERF_RECORD_COMM, 0, Bytes().put(std::uint64_t{7}))));
}

TEST_CASE("profile attributes: a rate, kernel call chains only, and times to tell a shared counter by") {
    const perf_event_attr attr = profile_attributes({PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK}, 997);
    CHECK(attr.type == PERF_TYPE_SOFTWARE);
    CHECK(attr.config == PERF_COUNT_SW_CPU_CLOCK);
    CHECK(attr.freq == 1);
    CHECK(attr.sample_freq == 997);
    CHECK(attr.exclude_callchain_user == 1);
    CHECK(attr.exclude_user == 0);
    CHECK(attr.exclude_kernel == 0);
    CHECK(attr.exclude_idle == 0);  // softirqs run on top of the idle task
    CHECK(attr.disabled == 1);
    CHECK(attr.sample_type == profile_sample_type);
    CHECK(attr.read_format == (PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING));
}

TEST_CASE("sampler: hardware cycles on every processor where they can be had") {
    FakeApi api;
    auto sampler = open_sampler(api);
    REQUIRE(sampler);
    REQUIRE(api.openings.size() == 2);
    CHECK(is_cycles(api.openings[0].first));
    CHECK(api.openings[0].second == 0);
    CHECK(api.openings[1].second == 5);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    CHECK(api.mapped_bytes.at(5) == page + std::max<std::size_t>(page, 524288));
    const Samples samples = sampler->collect();
    CHECK(samples.event == "cycles");
    CHECK(samples.unit == "cycles");
    CHECK(samples.not_cycles.empty());
    CHECK(samples.rate_hz == 997);
    CHECK(samples.cpus == 2);
}

TEST_CASE("sampler: with several kinds of cores each processor is asked by the PMU of its own") {
    const FakeRoot root;
    netio::test::add_intel_hybrid(root);
    const auto pmus = find_pmus(root.path());
    FakeApi api;
    const auto sampler = Sampler::open(997, two_cpus, pmus, host_facts(root.path()), api);
    REQUIRE(sampler);
    REQUIRE(api.openings.size() == 2);
    CHECK(api.openings[0].first.config == 0x400000000);  // processor 0: cpu_core
    CHECK(api.openings[1].first.config == 0xa00000000);  // processor 5: cpu_atom

    FakeApi old;  // takes no type of a PMU for an event of its own
    old.refuse = [](const perf_event_attr& attr, auto) {
        return attr.type == PERF_TYPE_HARDWARE && attr.config >> 32 != 0 ? EINVAL : 0;
    };
    auto by_name = Sampler::open(997, two_cpus, pmus, host_facts(root.path()), old);
    REQUIRE(by_name);
    REQUIRE(old.openings.size() == 3);
    CHECK(old.openings[1].first.type == 4);
    CHECK(old.openings[1].first.config == 0x3c);
    CHECK(old.openings[2].first.type == 10);
    const Samples samples = by_name->collect();
    CHECK(samples.event == "cycles");
    CHECK(samples.not_cycles.empty());
}

TEST_CASE("sampler: where one processor lacks cycles, the clock on all of them, and the reason") {
    FakeApi api;
    api.refuse = [](const perf_event_attr& attr, std::uint32_t cpu) {
        return is_cycles(attr) && cpu == 5 ? ENOENT : 0;
    };
    auto sampler = open_sampler(api, without_pmu);
    REQUIRE(sampler);
    CHECK(api.openings.size() == 4);
    const Samples samples = sampler->collect();
    CHECK(samples.event == "cpu-clock");
    CHECK(samples.unit == "ns");
    CHECK(samples.not_cycles == "this machine exposes no hardware counter for it (no PMU; usual in a VM)");
}

TEST_CASE("sampler: where nothing can be sampled, one error with the reason") {
    FakeApi api;
    api.refuse = [](const auto&, auto) { return EACCES; };
    const auto sampler = open_sampler(api);
    REQUIRE_FALSE(sampler);
    CHECK(sampler.error().code == netio::ExitCode::privilege);
    CHECK(sampler.error().why ==
          "Permission denied (EACCES): kernel.perf_event_paranoid is 1; try sudo or CAP_PERFMON");
    CHECK_FALSE(Sampler::open(997, {}, {}, with_pmu, api));

    FakeApi too_fast;
    too_fast.refuse = [](const auto&, auto) { return EINVAL; };
    CHECK(open_sampler(too_fast).error().why.find("kernel.perf_event_max_sample_rate") != std::string::npos);

    FakeApi no_memory;
    no_memory.refuse_map = [](std::uint32_t cpu) { return cpu == 5 ? EPERM : 0; };
    CHECK_FALSE(open_sampler(no_memory));
}

TEST_CASE("sampler: enabled on all processors or on none") {
    FakeApi api;
    auto sampler = open_sampler(api);
    REQUIRE(sampler->enable());
    CHECK(api.on == std::map<std::uint32_t, bool>{{0, true}, {5, true}});
    sampler->disable();
    CHECK(api.on == std::map<std::uint32_t, bool>{{0, false}, {5, false}});
    api.refuse_turn = [](std::uint32_t cpu, Switch to) { return cpu == 5 && to == Switch::on ? EBADF : 0; };
    const auto enabled = sampler->enable();
    REQUIRE_FALSE(enabled);
    CHECK(enabled.error().why == "Bad file descriptor (EBADF)");
    CHECK_FALSE(api.on.at(0));
}

TEST_CASE("sampler: samples of one process at one place are one row, over polls and processors") {
    FakeApi api;
    auto sampler = open_sampler(api);
    const std::vector<std::uint64_t> copying{in_kernel, 0xffffffff81000010, 0xffffffff81000020};
    const std::vector<std::uint64_t> sending{in_kernel, 0xffffffff81000020};
    api.buffers.at(0).write(sample(42, 10, copying));
    api.buffers.at(0).write(sample(42, 11, sending));
    sampler->poll();
    api.buffers.at(5).write(sample(42, 12, copying));
    api.buffers.at(5).write(sample(43, 13, copying));
    api.buffers.at(5).write(sample(42, 14, {}, PERF_RECORD_MISC_USER));
    const Samples samples = sampler->collect();
    CHECK(samples.samples == 5);
    CHECK(samples.weight == 60);
    REQUIRE(samples.stacks.size() == 4);
    CHECK(samples.stacks[0].pid == 42);
    CHECK(samples.stacks[0].samples == 2);
    CHECK(samples.stacks[0].weight == 22);
    CHECK(samples.stacks[0].chain == std::vector<std::uint64_t>{0xffffffff81000010, 0xffffffff81000020});
    std::uint64_t sum = 0;
    for (const SampledStack& stack : samples.stacks) {
        sum += stack.samples;
    }
    CHECK(sum == samples.samples);
}

TEST_CASE("sampler: lost samples and throttling are counted, and so is a buffer that cannot be read") {
    FakeApi api;
    auto sampler = open_sampler(api);
    api.buffers.at(0).write(lost(3));
    api.buffers.at(5).write(lost(4));
    api.buffers.at(5).write(throttle());
    sampler->poll();
    api.buffers.at(5).write(std::vector<std::byte>(16));
    const Samples samples = sampler->collect();
    CHECK(samples.lost == 8);
    CHECK(samples.throttled == 1);
    CHECK(samples.samples == 0);
}

TEST_CASE("sampler: what the events counted is summed over processors, and missing where one cannot be read") {
    FakeApi api;
    api.count = [](std::uint32_t cpu) { return cpu == 0 ? Sample{100, 50, 40} : Sample{200, 50, 50}; };
    auto sampler = open_sampler(api);
    const Samples samples = sampler->collect();
    CHECK(samples.counted.value() == 300);
    CHECK(samples.enabled_ns == 100);
    CHECK(samples.running_ns == 90);
    FakeApi broken;
    broken.count = [](std::uint32_t cpu) -> tl::expected<Sample, int> {
        if (cpu == 5) {
            return tl::unexpected(ENODATA);
        }
        return Sample{100, 50, 50};
    };
    auto other = open_sampler(broken);
    CHECK(other->collect().counted.reason() == "could not be read: No data available (ENODATA)");
}

TEST_CASE("online processors: ranges and single ones, and nothing where that is no list") {
    const FakeRoot root;
    const auto listed = [&](const std::string& text) {
        root.file("sys/devices/system/cpu/online", text);
        return online_cpus(root.path());
    };
    CHECK(online_cpus(root.path()).empty());
    CHECK(listed("0\n") == std::vector<std::uint32_t>{0});
    CHECK(listed("0-3,6\n") == std::vector<std::uint32_t>{0, 1, 2, 3, 6});
    CHECK(listed("0,2-2\n") == std::vector<std::uint32_t>{0, 2});
    for (const char* wrong : {"", "\n", "a", "3-1", "0-", "0-99999999", "0;1"}) {
        CHECK_MESSAGE(listed(wrong).empty(), wrong);
    }
}

TEST_CASE("sampler: counters of a processor for BPF programs are pinned, of kernel space, and all or none") {
    FakeApi api;
    const auto counters = open_cpu_counters(two_cpus, {}, Naming::extended, Host{}, api);
    CHECK(counters.missing.empty());
    REQUIRE(counters.cpus.size() == 2);
    CHECK(counters.cpus[1].cpu == 5);
    REQUIRE(api.openings.size() == 4);
    for (const auto& [attr, cpu] : api.openings) {
        CHECK(attr.pinned == 1);
        CHECK(attr.exclude_user == 1);
        CHECK(attr.disabled == 0);
    }
    CHECK(api.openings[0].first.config == PERF_COUNT_HW_CPU_CYCLES);
    CHECK(api.openings[1].first.config == PERF_COUNT_HW_INSTRUCTIONS);
    api.refuse = [](const auto&, std::uint32_t cpu) { return cpu == 5 ? ENOENT : 0; };
    const auto refused = open_cpu_counters(two_cpus, {}, Naming::extended, Host{}, api);
    CHECK(refused.cpus.empty());
    CHECK(refused.missing.starts_with("cycles: "));
    CHECK_FALSE(open_cpu_counters({}, {}, Naming::extended, Host{}, api).missing.empty());
}

TEST_CASE("cpu counters: with several kinds of cores each processor is asked by the PMU of its own") {
    const FakeRoot root;
    netio::test::add_intel_hybrid(root);
    const auto pmus = find_pmus(root.path());
    FakeApi api;
    CHECK(open_cpu_counters(two_cpus, pmus, Naming::extended, Host{}, api).missing.empty());
    REQUIRE(api.openings.size() == 4);
    CHECK(api.openings[0].first.config == 0x400000000);
    CHECK(api.openings[3].first.config == 0xa00000001);
    FakeApi by_name;
    CHECK(open_cpu_counters(two_cpus, pmus, Naming::own, Host{}, by_name).missing.empty());
    CHECK(by_name.openings[3].first.type == 10);
    CHECK(by_name.openings[3].first.config == 0xc0);
}
