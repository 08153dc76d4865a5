// SPDX-License-Identifier: Apache-2.0
// Rows to train on and rows held out. See selection.h.
#include "trainer/data/selection.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "trainer/data/order.h"

// The mixture of `count` sources from `first` on, its rows numbered from the first source of all.
static bool draw(struct lw_mixture *mixture, const struct lw_selection_params *params, size_t first,
    size_t count, struct lw_mersenne_twister *samples, struct lw_error *error)
{
    struct lw_mixture_params mixture_params = {.sources = params->sources + first,
        .source_count = count,
        .strategy = params->strategy,
        .probabilities = params->probabilities,
        .max_samples = params->max_samples,
        .seed = params->seed};
    if (!lw_mixture_draw(mixture, &mixture_params, samples, error)) {
        return false;
    }
    uint64_t before = 0;
    for (size_t i = 0; i < first; i++) {
        before += params->sources[i].rows;
    }
    for (size_t i = 0; i < mixture->count; i++) {
        mixture->rows[i] += (uint32_t)before;
    }
    return true;
}

// Takes the places of `mixture` in the order of datasets.train_test_split, which has the held-out part
// first.
static bool split(struct lw_selection *selection, const struct lw_mixture *mixture,
    const struct lw_selection_params *params, struct lw_error *error)
{
    size_t held_out = lw_held_out_count(mixture->count, params->val_size);
    if (mixture->count && held_out >= mixture->count) {
        return lw_fail(error, LW_BAD_INPUT, "val_size %g holds out all %zu records; lower it",
            params->val_size, mixture->count);
    }
    selection->rows = lw_calloc(mixture->count, sizeof *selection->rows, error);
    if (!selection->rows) {
        return false;
    }
    lw_order_split(params->seed, selection->rows, mixture->count);
    for (size_t i = 0; i < mixture->count; i++) {
        selection->rows[i] = mixture->rows[selection->rows[i]];
    }
    selection->held_out_count = mixture->count ? held_out : 0;
    selection->count = mixture->count;
    return true;
}

static bool join(struct lw_selection *selection, const struct lw_mixture *held_out,
    const struct lw_mixture *mixture, struct lw_error *error)
{
    size_t count = held_out->count + mixture->count;
    selection->rows = lw_calloc(count, sizeof *selection->rows, error);
    if (!selection->rows) {
        return false;
    }
    if (held_out->count) {
        memcpy(selection->rows, held_out->rows, held_out->count * sizeof *selection->rows);
    }
    if (mixture->count) {
        memcpy(selection->rows + held_out->count, mixture->rows,
            mixture->count * sizeof *selection->rows);
    }
    selection->held_out_count = held_out->count;
    selection->count = count;
    return true;
}

bool lw_selection_make(struct lw_selection *selection, const struct lw_selection_params *params,
    struct lw_error *error)
{
    struct lw_mixture mixture = {0}, held_out = {0};
    struct lw_mersenne_twister samples;
    size_t trained = params->source_count - params->held_out_sources;
    lw_mersenne_twister_seed(&samples, (uint32_t)params->seed);
    bool made = draw(&mixture, params, 0, trained, &samples, error) &&
                (!params->held_out_sources ||
                    draw(&held_out, params, trained, params->held_out_sources, &samples, error)) &&
                (params->val_size > 0 ? split(selection, &mixture, params, error)
                                      : join(selection, &held_out, &mixture, error));
    lw_mixture_free(&mixture);
    lw_mixture_free(&held_out);
    return made;
}

void lw_selection_free(struct lw_selection *selection)
{
    lw_free(selection->rows);
    *selection = (struct lw_selection){0};
}
