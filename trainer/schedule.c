// SPDX-License-Identifier: Apache-2.0
// Learning rates. See schedule.h. Each kind is a function from the update's number to the factor
// that the peak is multiplied by, computed in the order of the source.
#include "trainer/schedule.h"

#include <math.h>

#define PI 3.14159265358979323846

const char *const lw_schedule_names[] = {"linear", "cosine", "cosine_with_restarts", "polynomial",
    "constant", "constant_with_warmup", "inverse_sqrt", "cosine_with_min_lr",
    "cosine_warmup_with_min_lr", "warmup_stable_decay", NULL};

static double at_least_one(double count)
{
    return count > 1 ? count : 1;
}

static double above_zero(double factor)
{
    return factor > 0 ? factor : 0;
}

static double given_or(double value, double otherwise)
{
    return value < 0 ? otherwise : value;
}

// What the functions below are given: counts as doubles, which hold them exactly.
struct place {
    const struct lw_schedule *schedule;
    double update, warmup, total;
};

// From 0 at the end of the warm-up to 1 at the end of the run.
static double progress_of(const struct place *at)
{
    return (at->update - at->warmup) / at_least_one(at->total - at->warmup);
}

static double constant(const struct place *at)
{
    (void)at;
    return 1;
}

static double linear(const struct place *at)
{
    return above_zero((at->total - at->update) / at_least_one(at->total - at->warmup));
}

static double half_wave(double cycles, double progress)
{
    return 0.5 * (1.0 + cos(PI * cycles * 2.0 * progress));
}

static double cosine(const struct place *at)
{
    double cycles = given_or(at->schedule->kwargs.num_cycles, 0.5);
    return above_zero(half_wave(cycles, progress_of(at)));
}

static double cosine_with_restarts(const struct place *at)
{
    double cycles = given_or(at->schedule->kwargs.num_cycles, 1), progress = progress_of(at);
    return progress >= 1 ? 0 : above_zero(0.5 * (1.0 + cos(PI * fmod(cycles * progress, 1.0))));
}

static double polynomial(const struct place *at)
{
    const struct lw_schedule_kwargs *kwargs = &at->schedule->kwargs;
    double peak = at->schedule->peak;
    if (at->update >= at->total) {
        return kwargs->lr_end / peak;
    }
    double left = 1 - (at->update - at->warmup) / (at->total - at->warmup);
    return ((peak - kwargs->lr_end) * pow(left, kwargs->power) + kwargs->lr_end) / peak;
}

static double inverse_sqrt(const struct place *at)
{
    double timescale = given_or(at->schedule->kwargs.timescale, at->warmup ? at->warmup : 10000);
    return 1.0 / sqrt((at->update + (timescale - at->warmup)) / timescale);
}

static double minimum_share(const struct lw_schedule *schedule)
{
    double share = schedule->kwargs.min_lr_rate;
    return share < 0 ? schedule->kwargs.min_lr / schedule->peak : share;
}

static double cosine_with_min_lr(const struct place *at)
{
    double least = minimum_share(at->schedule);
    double cycles = given_or(at->schedule->kwargs.num_cycles, 0.5);
    return above_zero(half_wave(cycles, progress_of(at)) * (1 - least) + least);
}

// Its warm-up does not begin at 0, and all is an update early.
static double cosine_warmup_with_min_lr(const struct place *at)
{
    const struct lw_schedule_kwargs *kwargs = &at->schedule->kwargs;
    double least = minimum_share(at->schedule);
    if (at->update < at->warmup) {
        double first = kwargs->warmup_lr_rate;
        return first < 0 ? (at->update + 1.0) / at_least_one(at->warmup)
                         : first + (1.0 - first) * at->update / at_least_one(at->warmup - 1);
    }
    double progress = (at->update - at->warmup + 1.0) / at_least_one(at->total - at->warmup);
    return above_zero(half_wave(given_or(kwargs->num_cycles, 0.5), progress) * (1 - least) + least);
}

static double warmup_stable_decay(const struct place *at)
{
    const struct lw_schedule_kwargs *kwargs = &at->schedule->kwargs;
    double least = kwargs->min_lr_ratio, rest = above_zero(at->total - at->warmup);
    double stable = given_or(kwargs->num_stable_steps, floor(rest / 3));
    double decay = given_or(kwargs->num_decay_steps, rest - floor(rest / 3));
    double factor;
    if (at->update < at->warmup) {
        double progress = at->update / at_least_one(at->warmup);
        factor = kwargs->warmup_type == LW_SHAPE_LINEAR   ? progress
                 : kwargs->warmup_type == LW_SHAPE_COSINE ? 0.5 * (1.0 - cos(PI * progress))
                                                          : 1.0 - sqrt(1.0 - progress);
    } else if (at->update < at->warmup + stable) {
        return 1;
    } else if (at->update < at->warmup + stable + decay) {
        double progress = (at->update - at->warmup - stable) / at_least_one(decay);
        double cycles = given_or(kwargs->num_cycles, 0.5);
        factor = kwargs->decay_type == LW_SHAPE_LINEAR   ? 1.0 - progress
                 : kwargs->decay_type == LW_SHAPE_COSINE ? half_wave(cycles, progress)
                                                         : 1.0 - sqrt(progress);
    } else {
        return least;
    }
    return above_zero(factor * (1.0 - least) + least);
}

static const struct {
    double (*factor)(const struct place *at);
    bool warms_up; // linearly from 0, before `factor` is asked
} kinds[] = {
    [LW_SCHEDULE_LINEAR] = {linear, true},
    [LW_SCHEDULE_COSINE] = {cosine, true},
    [LW_SCHEDULE_COSINE_WITH_RESTARTS] = {cosine_with_restarts, true},
    [LW_SCHEDULE_POLYNOMIAL] = {polynomial, true},
    [LW_SCHEDULE_CONSTANT] = {constant, false},
    [LW_SCHEDULE_CONSTANT_WITH_WARMUP] = {constant, true},
    [LW_SCHEDULE_INVERSE_SQRT] = {inverse_sqrt, true},
    [LW_SCHEDULE_COSINE_WITH_MIN_LR] = {cosine_with_min_lr, true},
    [LW_SCHEDULE_COSINE_WARMUP_WITH_MIN_LR] = {cosine_warmup_with_min_lr, false},
    [LW_SCHEDULE_WARMUP_STABLE_DECAY] = {warmup_stable_decay, false},
};

double lw_schedule_rate(const struct lw_schedule *schedule, uint64_t update)
{
    const struct place at = {schedule, (double)update, (double)schedule->warmup_updates,
        (double)schedule->total_updates};
    bool warming = kinds[schedule->kind].warms_up && at.update < at.warmup;
    return schedule->peak *
           (warming ? at.update / at_least_one(at.warmup) : kinds[schedule->kind].factor(&at));
}

uint64_t lw_schedule_warmup(uint64_t total_updates, double warmup_steps, double warmup_ratio)
{
    double share = warmup_steps > 0 ? warmup_steps : warmup_ratio;
    return (uint64_t)(warmup_steps >= 1 ? warmup_steps : ceil((double)total_updates * share));
}
