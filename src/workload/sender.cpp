// SPDX-License-Identifier: MIT
#include "workload/sender.h"

namespace netio::workload {

Result<std::unique_ptr<Sender>> make_sender(int fd, const SenderOptions& options, const std::atomic<bool>& cancelled) {
    switch (options.mode) {
        case model::CopyMode::two_copy:
            return make_two_copy(fd, options, cancelled);
        case model::CopyMode::per_field:
            return make_per_field(fd, options, cancelled);
        case model::CopyMode::one_copy:
            return make_one_copy(fd, options, cancelled);
        case model::CopyMode::zerocopy:
            return make_zerocopy(fd, options, cancelled);
    }
    return fail("no sender for this copy mode");
}

}  // namespace netio::workload
