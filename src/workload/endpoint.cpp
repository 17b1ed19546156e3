// SPDX-License-Identifier: MIT
#include "workload/endpoint.h"

namespace netio::workload {
namespace {

std::int64_t elapsed_ns(const timeval& begin, const timeval& end) {
    return (end.tv_sec - begin.tv_sec) * std::int64_t{1'000'000'000} +
           (end.tv_usec - begin.tv_usec) * std::int64_t{1000};
}

}  // namespace

Result<std::thread> start_thread(std::function<void()> body) {
    try {
        return std::thread(std::move(body));
    } catch (const std::system_error& error) {
        return fail_errno("cannot start a thread", error.code().value(), "fewer --threads, or a larger ulimit -u");
    }
}

void ThreadUsage::store(model::ConnectionResult& result) const {
    rusage end{};
    ::getrusage(RUSAGE_THREAD, &end);
    result.cpu_user_ns = elapsed_ns(begin_.ru_utime, end.ru_utime);
    result.cpu_system_ns = elapsed_ns(begin_.ru_stime, end.ru_stime);
    result.voluntary_switches = end.ru_nvcsw - begin_.ru_nvcsw;
    result.involuntary_switches = end.ru_nivcsw - begin_.ru_nivcsw;
}

}  // namespace netio::workload
