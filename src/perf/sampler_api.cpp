// SPDX-License-Identifier: MIT
#include "perf/sampler_api.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace netio::perf {
namespace {

class KernelSamplerApi final : public SamplerApi {
 public:
    tl::expected<Fd, int> open_on_cpu(const perf_event_attr& attr, std::uint32_t cpu) override {
        constexpr int all_tasks = -1;
        constexpr int no_group = -1;
        const long fd =
            ::syscall(SYS_perf_event_open, &attr, all_tasks, static_cast<int>(cpu), no_group, PERF_FLAG_FD_CLOEXEC);
        if (fd < 0) {
            return tl::unexpected(errno);
        }
        return Fd(static_cast<int>(fd));
    }

    tl::expected<Mapping, int> map(const Fd& event, std::size_t bytes) override {
        void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, event.get(), 0);
        if (base == MAP_FAILED) {
            return tl::unexpected(errno);
        }
        return Mapping{std::shared_ptr<void>(base, [bytes](void* mapped) { ::munmap(mapped, bytes); }), bytes};
    }

    int turn(const Fd& event, Switch to) override {
        return ::ioctl(event.get(), to == Switch::on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) == 0 ? 0
                                                                                                               : errno;
    }

    tl::expected<Sample, int> read(const Fd& event) override { return kernel_api().read(event); }
};

}  // namespace

SamplerApi& kernel_sampler_api() {
    static KernelSamplerApi api;
    return api;
}

}  // namespace netio::perf
