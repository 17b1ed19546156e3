// SPDX-License-Identifier: MIT
#pragma once

// The generated skeleton, which expects the ABI's structures to be known.
#include "netio_timing.skel.h"
#include "timing_abi.h"
