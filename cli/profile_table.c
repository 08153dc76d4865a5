// SPDX-License-Identifier: Apache-2.0
// See profile_table.h.
#include "cli/profile_table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/gpu/profile.h"
#include "engine/gpu/usage.h"

struct line {
    const char *name;
    const struct lw_profile_row *row;
};

static int compare_seconds(const void *left_pointer, const void *right_pointer)
{
    const struct line *left = left_pointer, *right = right_pointer;
    return (left->row->seconds < right->row->seconds) - (left->row->seconds > right->row->seconds);
}

// Of what was counted: of training, its steps.
static void print_usage(struct lw_device *device, FILE *stream)
{
    struct lw_usage usage = lw_device_usage(device);
    if (usage.busy > 0) {
        fprintf(stream,
            "device idle %.2f %% of %.2f s of steps, in which the host waited %" PRIu64 " times\n",
            100 * lw_usage_idle_share(&usage), usage.busy + usage.idle, usage.waits);
    }
}

void lw_profile_table_print(struct lw_device *device, FILE *stream)
{
    struct line lines[LW_KERNEL_COUNT];
    size_t count = 0;
    double total = 0;
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        const struct lw_profile_row *row = lw_device_profile(device, (enum lw_kernel_id)i);
        if (row && row->calls) {
            lines[count++] = (struct line){lw_kernel_rows[i].name, row};
            total += row->seconds;
        }
    }
    if (!count) {
        fputs("profile: no kernel was timed\n", stream);
        return;
    }
    qsort(lines, count, sizeof *lines, compare_seconds);
    fprintf(stream, "%-34s %10s %12s %7s %9s %9s\n", "kernel", "calls", "ms", "share", "GB/s",
        "GFLOP/s");
    for (size_t i = 0; i < count; i++) {
        const struct lw_profile_row *row = lines[i].row;
        double per_second = row->seconds > 0 ? 1e-9 / row->seconds : 0;
        fprintf(stream, "%-34s %10" PRIu64 " %12.2f %6.1f%% %9.2f %9.2f\n", lines[i].name,
            row->calls, row->seconds * 1e3, total > 0 ? 100 * row->seconds / total : 0,
            row->bytes * per_second, row->flops * per_second);
    }
    fprintf(stream, "%-34s %10s %12.2f\n", "all kernels", "", total * 1e3);
    print_usage(device, stream);
}
