// SPDX-License-Identifier: Apache-2.0
// The training run: from a recipe to a finished model folder. Reports what happens as events; the
// command line draws them. Called by cli/cmd_train.c.
#ifndef LW_TRAINER_LOOP_H
#define LW_TRAINER_LOOP_H

#include "engine/gpu/device.h"
#include "engine/model/training.h"
#include "trainer/data/dataset.h"
#include "trainer/data/token_store.h"
#include "trainer/metrics.h"
#include "trainer/recipe.h"

enum lw_event_kind {
    LW_EVENT_STORE,      // store: data is being encoded, or was found encoded
    LW_EVENT_BAD_RECORD, // record
    LW_EVENT_DATA,       // dataset, counts, train_count, held_out_count, packed, keep_ends
    LW_EVENT_PLAN,       // plan, keep, config, parameters
    LW_EVENT_RESUMED,    // path, entry.step
    LW_EVENT_STEP,       // entry: one update is done; its loss alone
    LW_EVENT_LOG,        // entry: a line went to the log
    LW_EVENT_SAVED       // path: a checkpoint or the final model
};

// Members not named for a kind are zero.
struct lw_event {
    enum lw_event_kind kind;
    const struct lw_store_event *store;
    const struct lw_bad_record *record;
    const struct lw_dataset *dataset;
    const struct lw_dataset_counts *counts;
    size_t train_count, held_out_count;
    bool packed;    // those two count packs
    bool keep_ends; // long records were shortened, not cut
    const struct lw_plan *plan;
    enum lw_keep keep;
    const struct lw_config *config;
    uint64_t parameters;
    struct lw_metrics_entry entry;
    const char *path;
};

struct lw_run_params {
    const struct lw_recipe *recipe;
    struct lw_device *device;
    enum lw_tune tune;        // of its matrix products, before the first update
    const char *cache_folder; // of what is kept between runs; NULL: the user's
    bool (*stopping)(void);   // asked before each update: finish it, save, return LW_INTERRUPTED
    void (*event)(void *context, const struct lw_event *event);
    void *context;
};

// Runs to the end of the recipe. LW_INTERRUPTED, with a checkpoint written, after `stopping` said so.
bool lw_run(const struct lw_run_params *params, struct lw_error *error);

#endif
