// SPDX-License-Identifier: Apache-2.0
// Kernels that a test must have run. See require.h.
#include "tests/require.h"

#include <stdio.h>
#include <string.h>

#include "engine/gpu/profile.h"

void require_note(struct require_kernels *kernels, const struct lw_device *device)
{
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        const struct lw_profile_row *row = lw_device_profile(device, (enum lw_kernel_id)i);
        kernels->ran[i] |= row && row->calls > 0;
    }
}

static bool did_run(const struct require_kernels *kernels, const char *name, size_t length)
{
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        if (kernels->ran[i] && strncmp(lw_kernel_rows[i].name, name, length) == 0) {
            return true;
        }
    }
    return false;
}

unsigned require_missing(const struct require_kernels *kernels, const char *names)
{
    unsigned missing = 0;
    while (names && *names) {
        size_t length = strcspn(names, ",");
        if (!did_run(kernels, names, length)) {
            printf("required, but not run on this device: %.*s\n", (int)length, names);
            missing++;
        }
        names += length + (names[length] == ',');
    }
    return missing;
}
