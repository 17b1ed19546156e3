// SPDX-License-Identifier: MIT
#include "perf/api.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace netio::perf {
namespace {

class KernelApi final : public Api {
 public:
    tl::expected<Fd, int> open(const perf_event_attr& attr, std::int32_t thread_id, int group) override {
        constexpr int any_cpu = -1;
        const long fd = ::syscall(SYS_perf_event_open, &attr, thread_id, any_cpu, group, PERF_FLAG_FD_CLOEXEC);
        if (fd < 0) {
            return tl::unexpected(errno);
        }
        return Fd(static_cast<int>(fd));
    }

    int turn(const Fd& leader, Switch to) override {
        const unsigned long request = to == Switch::on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE;
        return ::ioctl(leader.get(), request, PERF_IOC_FLAG_GROUP) == 0 ? 0 : errno;
    }

    tl::expected<Sample, int> read(const Fd& event) override {
        Sample sample;
        static_assert(sizeof(sample) == 3 * sizeof(std::uint64_t));
        const ssize_t size = ::read(event.get(), &sample, sizeof(sample));
        if (size < 0) {
            return tl::unexpected(errno);
        }
        if (static_cast<std::size_t>(size) != sizeof(sample)) {
            return tl::unexpected(ENODATA);
        }
        return sample;
    }
};

}  // namespace

Api& kernel_api() {
    static KernelApi api;
    return api;
}

}  // namespace netio::perf
