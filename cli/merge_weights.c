// SPDX-License-Identifier: Apache-2.0
// See merge_weights.h.
#include "cli/merge_weights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "cli/interrupt.h"
#include "cli/store_progress.h"
#include "engine/base/stringbuf.h"
#include "trainer/score.h"

// Of an evaluation's events only a long encoding is worth a line.
static void show_event(void *context, const struct lw_event *event)
{
    struct lw_store_progress *progress = context;
    if (event->kind == LW_EVENT_STORE && event->store->kind != LW_STORE_FOUND) {
        lw_store_progress_show(progress, event->store);
    }
}

// The recipe of a run that would hold `examples` out: what says how they are encoded.
static bool make_recipe(struct lw_recipe *recipe, const char *model,
    const struct lw_merge_examples *examples, struct lw_error *error)
{
    struct lw_string texts[4] = {{0}};
    bool recognised;
    bool made = lw_string_addf(&texts[0], error, "model_name_or_path=%s", model) &&
                lw_string_addf(&texts[1], error, "dataset=%s", examples->data) &&
                lw_string_addf(&texts[2], error, "eval_dataset=%s", examples->data) &&
                (!examples->chat_template ||
                    lw_string_addf(&texts[3], error, "template=%s", examples->chat_template));
    const char *assignments[] = {lw_string_text(&texts[0]), lw_string_text(&texts[1]),
        lw_string_text(&texts[2]), "output_dir=none", "per_device_eval_batch_size=2",
        lw_string_text(&texts[3])};
    size_t count = examples->chat_template ? 6 : 5;
    made = made && lw_recipe_load(recipe, NULL, assignments, count, error);
    if (made && !lw_recipe_choose_template(recipe, &recognised, error)) {
        lw_recipe_free(recipe);
        made = false;
    }
    for (size_t i = 0; i < 4; i++) {
        lw_string_free(&texts[i]);
    }
    return made;
}

static bool measure_loss(double *loss, const char *model, const struct lw_merge_examples *examples,
    struct lw_session *session, struct lw_error *error)
{
    struct lw_recipe recipe;
    struct lw_score score;
    struct lw_store_progress progress = {.line.stream = stderr};
    if (!make_recipe(&recipe, model, examples, error)) {
        return false;
    }
    const struct lw_run_params params = {.recipe = &recipe,
        .device = session->device,
        .cache_folder = examples->cache,
        .stopping = lw_interrupt_requested,
        .event = show_event,
        .context = &progress};
    bool measured = lw_score_model(&score, &params, error);
    lw_recipe_free(&recipe);
    *loss = measured ? score.eval_loss : 0;
    if (measured && !isfinite(*loss)) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: its loss on %s is no finite number, so no weight follows from it", model,
            examples->data);
    }
    return measured;
}

bool lw_merge_weigh(double *weights, const char *const *models, size_t count,
    const struct lw_merge_examples *examples, struct lw_session *session, struct lw_error *error)
{
    double least = INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (!measure_loss(&weights[i], models[i], examples, session, error)) {
            return false;
        }
        least = weights[i] < least ? weights[i] : least;
    }
    // Counted from the least loss, so that no exponential overflows.
    for (size_t i = 0; i < count; i++) {
        sum += exp((least - weights[i]) / examples->temperature);
    }
    for (size_t i = 0; i < count; i++) {
        double loss = weights[i];
        weights[i] = exp((least - loss) / examples->temperature) / sum;
        printf("weight %.6f  loss %.6f  %s\n", weights[i], loss, models[i]);
    }
    return true;
}
