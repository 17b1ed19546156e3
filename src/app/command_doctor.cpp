// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "app/commands.h"

namespace netio::app {
Command declare_doctor(CLI::App&) {
    return []() -> Result<int> { return 0; };
}
}  // namespace netio::app
