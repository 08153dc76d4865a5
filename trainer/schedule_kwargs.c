// SPDX-License-Identifier: Apache-2.0
// Reads lr_scheduler_kwargs. See schedule.h.
#include <string.h>

#include "engine/base/stringbuf.h"
#include "trainer/schedule.h"

static const char *const shapes[] = {"linear", "cosine", "1-sqrt", NULL};

#define MEMBER(name) offsetof(struct lw_schedule_kwargs, name)
#define NUMBER(name, low, value, help)                                                             \
    {                                                                                              \
#name, LW_OPTION_NUMBER, MEMBER(name), low, 1e15, NULL, value, help                        \
    }
#define CHOICE(name, value, help)                                                                  \
    {                                                                                              \
#name, LW_OPTION_CHOICE, MEMBER(name), 0, 0, shapes, value, help                           \
    }

static const struct lw_option options[] = {
    NUMBER(num_cycles, -1, "-1", "waves"),
    NUMBER(lr_end, 0, "1e-7", "last learning rate"),
    NUMBER(power, 0, "1", "exponent"),
    NUMBER(timescale, -1, "-1", "steps"),
    NUMBER(min_lr, -1, "-1", "least learning rate"),
    NUMBER(min_lr_rate, -1, "-1", "the same as a share of the peak"),
    NUMBER(warmup_lr_rate, -1, "-1", "share of the peak that the warm-up begins at"),
    NUMBER(num_stable_steps, -1, "-1", "steps at the peak"),
    NUMBER(num_decay_steps, -1, "-1", "steps of the fall"),
    NUMBER(min_lr_ratio, 0, "0", "least share of the peak"),
    CHOICE(warmup_type, "linear", "shape of the rise"),
    CHOICE(decay_type, "cosine", "shape of the fall"),
    {NULL, LW_OPTION_BOOL, 0, 0, 0, NULL, NULL, NULL},
};

enum { most_names = 8 };

// What the functions of transformers' optimization.py take; a schedule that is not here takes none.
static const char *const names[][most_names] = {
    [LW_SCHEDULE_COSINE] = {"num_cycles"},
    [LW_SCHEDULE_COSINE_WITH_RESTARTS] = {"num_cycles"},
    [LW_SCHEDULE_POLYNOMIAL] = {"lr_end", "power"},
    [LW_SCHEDULE_INVERSE_SQRT] = {"timescale"},
    [LW_SCHEDULE_COSINE_WITH_MIN_LR] = {"num_cycles", "min_lr", "min_lr_rate"},
    [LW_SCHEDULE_COSINE_WARMUP_WITH_MIN_LR] = {"num_cycles", "min_lr", "min_lr_rate",
        "warmup_lr_rate"},
    [LW_SCHEDULE_WARMUP_STABLE_DECAY] = {"num_stable_steps", "num_decay_steps", "warmup_type",
        "decay_type", "min_lr_ratio", "num_cycles"},
};

static bool takes(enum lw_schedule_kind kind, const char *name)
{
    for (size_t i = 0; i < most_names && names[kind][i]; i++) {
        if (strcmp(names[kind][i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_item(struct lw_schedule_kwargs *kwargs, enum lw_schedule_kind kind,
    const char *item, struct lw_error *error)
{
    struct lw_string name = {0};
    size_t length = strcspn(item, ":");
    bool done = lw_string_add(&name, item, length, error);
    if (done && !takes(kind, lw_string_text(&name))) {
        done = lw_fail(error, LW_USAGE, "lr_scheduler_kwargs: the schedule %s has no %.100s",
            lw_schedule_names[kind], lw_string_text(&name));
    }
    done = done && lw_options_set(options, kwargs, lw_string_text(&name), item + length + 2,
                       "lr_scheduler_kwargs", error);
    lw_string_free(&name);
    return done;
}

bool lw_schedule_kwargs_read(struct lw_schedule_kwargs *kwargs, enum lw_schedule_kind kind,
    const struct lw_option_list *items, struct lw_error *error)
{
    bool done = lw_options_defaults(options, kwargs, error);
    for (size_t i = 0; done && i < items->count; i++) {
        done = read_item(kwargs, kind, items->items[i], error);
    }
    if (done && takes(kind, "min_lr") && (kwargs->min_lr < 0) == (kwargs->min_lr_rate < 0)) {
        return lw_fail(error, LW_USAGE,
            "lr_scheduler_kwargs: the schedule %s needs min_lr or min_lr_rate, one of the two: "
            "lr_scheduler_kwargs: {min_lr_rate: 0.1}",
            lw_schedule_names[kind]);
    }
    return done;
}
