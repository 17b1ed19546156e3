// SPDX-License-Identifier: MIT
#pragma once

#include "app/experiment.h"

namespace netio::app {

// One line on stderr that is rewritten, and wiped at the end; silent where stderr is no terminal.
Progress terminal_progress();

}  // namespace netio::app
