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
    // A signal interrupts the wait for the thread's exec_update_lock (SYSCALL_DEFINE5(perf_event_open)), and the call
    // is not restarted. A uprobe's refusal to be shared is EINTR as well and will not pass, so tries are few.
    tl::expected<Fd, int> open(const perf_event_attr& attr, const Target& target, int group) override {
        constexpr int tries = 5;
        long fd = -1;
        for (int left = tries; left > 0; --left) {
            fd = ::syscall(SYS_perf_event_open, &attr, target.thread_id, target.cpu, group, PERF_FLAG_FD_CLOEXEC);
            if (fd >= 0 || errno != EINTR) {
                break;
            }
        }
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
