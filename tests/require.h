// SPDX-License-Identifier: Apache-2.0
// Kernels that a test must have run: one whose subject is a variant must not pass because the driver
// lacks it and another took over.
#ifndef LW_TESTS_REQUIRE_H
#define LW_TESTS_REQUIRE_H

#include "engine/gpu/device.h"
#include "engine/gpu/kernel.h"

struct require_kernels {
    bool ran[LW_KERNEL_COUNT];
};

// Notes the kernels that ran on the device, which must have been opened with its profile on.
void require_note(struct require_kernels *kernels, const struct lw_device *device);

// How many of the comma-separated names begin no kernel that ran; each is printed. NULL: 0.
unsigned require_missing(const struct require_kernels *kernels, const char *names);

#endif
