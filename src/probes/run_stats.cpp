// SPDX-License-Identifier: MIT
#include "probes/run_stats.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace netio::probes {

Result<Fd> enable_run_stats() {
    const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (fd < 0) {
        return fail_errno("the kernel does not count the runs of BPF programs", -fd, "run it without --overhead",
                          ExitCode::privilege);
    }
    return Fd(fd);
}

std::vector<model::ProgramRuns> runs_of(const bpf_object& object) {
    std::vector<model::ProgramRuns> all;
    const bpf_program* program = nullptr;
    while ((program = bpf_object__next_program(&object, const_cast<bpf_program*>(program))) != nullptr) {
        bpf_prog_info info{};
        std::uint32_t size = sizeof(info);
        const int fd = bpf_program__fd(program);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
            all.push_back({bpf_program__name(program), info.run_cnt, info.run_time_ns, info.recursion_misses});
        }
    }
    return all;
}

}  // namespace netio::probes
