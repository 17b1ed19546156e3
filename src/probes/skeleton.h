// SPDX-License-Identifier: MIT
#pragma once

// The generated skeleton, which expects the ABI's structures to be known.
#include "netio_abi.h"
#include "netio_trace.skel.h"
