// SPDX-License-Identifier: Apache-2.0
// See merge_watch.h.
#include "cli/merge_watch.h"

#include <stdio.h>

#include "cli/interrupt.h"
#include "engine/base/clock.h"

struct lw_merge_watch lw_merge_watch_start(const char *doing)
{
    return (struct lw_merge_watch){
        .line = {.stream = stderr}, .doing = doing, .start = lw_clock_seconds()};
}

bool lw_merge_watch_show(void *context, uint64_t done, uint64_t total)
{
    struct lw_merge_watch *watch = context;
    if (lw_progress_due(&watch->line)) {
        char left[32];
        double seconds = lw_clock_seconds() - watch->start, made = (double)done;
        lw_progress_duration(left, seconds * ((double)total / made - 1));
        lw_progress_draw(&watch->line, "%s: %3.0f %%, %.2f of %.2f GB, %.2f GB/s, %s left",
            watch->doing, 100 * made / (double)total, made * 1e-9, (double)total * 1e-9,
            made * 1e-9 / seconds, left);
    }
    return !lw_interrupt_requested();
}

double lw_merge_watch_end(struct lw_merge_watch *watch)
{
    double seconds = lw_clock_seconds() - watch->start;
    lw_progress_clear(&watch->line);
    return seconds;
}
