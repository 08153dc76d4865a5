// SPDX-License-Identifier: Apache-2.0
// Counts of updates. See course.h.
#include "trainer/course.h"

#include <math.h>

static uint64_t divide_up(uint64_t count, uint64_t by)
{
    return count / by + (count % by != 0);
}

static uint64_t at_least_one(uint64_t count)
{
    return count ? count : 1;
}

struct lw_course lw_course_of(
    uint64_t examples, uint64_t batch, uint64_t accumulation, double epochs, int64_t max_steps)
{
    struct lw_course course = {.accumulation = accumulation};
    course.batches_per_epoch = at_least_one(divide_up(examples, batch));
    course.updates_per_epoch = divide_up(course.batches_per_epoch, accumulation);
    course.total_updates =
        max_steps > 0 ? (uint64_t)max_steps
                      : at_least_one((uint64_t)ceil(epochs * (double)course.updates_per_epoch));
    return course;
}

double lw_course_epoch(const struct lw_course *course, uint64_t update)
{
    uint64_t epoch = update / course->updates_per_epoch;
    uint64_t batches = update % course->updates_per_epoch * course->accumulation;
    return (double)epoch + (double)batches / (double)course->batches_per_epoch;
}

uint64_t lw_course_interval(const struct lw_course *course, double steps)
{
    return (uint64_t)(steps < 1 ? ceil((double)course->total_updates * steps) : steps);
}

bool lw_course_due(
    const struct lw_course *course, enum lw_strategy strategy, uint64_t interval, uint64_t update)
{
    switch (strategy) {
    case LW_STRATEGY_STEPS:
    case LW_STRATEGY_AUTO:
        return interval > 0 && update % interval == 0;
    case LW_STRATEGY_EPOCH:
        return update % course->updates_per_epoch == 0 || update == course->total_updates;
    case LW_STRATEGY_NO:
        break;
    }
    return false;
}
