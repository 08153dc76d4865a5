// SPDX-License-Identifier: Apache-2.0
// The data that a recipe names, encoded for its model. Private to run.c and score.c.
#ifndef LW_TRAINER_RUN_DATA_H
#define LW_TRAINER_RUN_DATA_H

#include "trainer/loop.h"

struct lw_run_data {
    struct lw_sources sources, held_out; // the dataset names files by them
    struct lw_dataset *dataset;
};

// Encodes the data sets of params->recipe, or finds them encoded, with the tokenizer of its model,
// which must have no more than `vocab_size` tokens. Bad records and the encoding's progress are
// events. `data` is for lw_run_data_free, after a failure as well.
bool lw_run_data_load(struct lw_run_data *data, const struct lw_run_params *params,
    uint32_t vocab_size, struct lw_error *error);
void lw_run_data_free(struct lw_run_data *data);

#endif
