// SPDX-License-Identifier: Apache-2.0
// Learning rates and step counts. See schedule.h.
#include "trainer/schedule.h"

#include <math.h>

static double at_least_one(uint64_t count)
{
    return count ? (double)count : 1.0;
}

double lw_schedule_rate(const struct lw_schedule *schedule, uint64_t update)
{
    uint64_t warmup = schedule->warmup_updates, total = schedule->total_updates;
    if (schedule->kind == LW_SCHEDULE_CONSTANT) {
        return schedule->peak;
    }
    if (update < warmup) {
        return schedule->peak * ((double)update / at_least_one(warmup));
    }
    if (schedule->kind == LW_SCHEDULE_CONSTANT_WITH_WARMUP) {
        return schedule->peak;
    }
    double span = at_least_one(total > warmup ? total - warmup : 0);
    double factor;
    if (schedule->kind == LW_SCHEDULE_LINEAR) {
        factor = ((double)total - (double)update) / span;
    } else {
        const double pi = 3.14159265358979323846;
        // math.pi * num_cycles (0.5) * 2.0 * progress in the source; the factors of two are exact.
        factor = 0.5 * (1.0 + cos(pi * ((double)(update - warmup) / span)));
    }
    return schedule->peak * (factor > 0 ? factor : 0);
}

uint64_t lw_schedule_warmup(uint64_t total_updates, uint64_t warmup_steps, double warmup_ratio)
{
    return warmup_steps ? warmup_steps : (uint64_t)ceil((double)total_updates * warmup_ratio);
}

uint64_t lw_updates_per_epoch(uint64_t example_count, uint64_t global_batch)
{
    uint64_t updates = example_count / global_batch + (example_count % global_batch != 0);
    return updates ? updates : 1;
}

uint64_t lw_updates_in_run(uint64_t updates_per_epoch, double epochs, int64_t max_steps)
{
    return max_steps > 0 ? (uint64_t)max_steps : (uint64_t)ceil(epochs * (double)updates_per_epoch);
}
