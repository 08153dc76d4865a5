// SPDX-License-Identifier: Apache-2.0
// Which rows are trained on and which are held out, from nothing but how many each data set has: the
// mixture of the data sets, and the part of it that val_size holds out, or the mixture of the data
// sets of eval_dataset. Called by dataset.c, which knows the rows.
#ifndef LW_TRAINER_DATA_SELECTION_H
#define LW_TRAINER_DATA_SELECTION_H

#include "trainer/data/mixture.h"

struct lw_selection_params {
    // Those to train on, then `held_out_sources` whose rows are held out. Rows are numbered through.
    const struct lw_mixture_source *sources;
    size_t source_count, held_out_sources;
    enum lw_mix_strategy strategy; // of both mixtures, each by itself
    const double *probabilities;   // see mixture.h
    uint64_t max_samples;          // of each source, 0: all
    double val_size;               // 0 with held-out sources
    uint64_t seed;                 // of samples, mixtures and val_size
};

// Zero-initialise before use; lw_selection_free releases it and makes it empty again. A row may stand
// here several times.
struct lw_selection {
    uint32_t *rows; // [count]: held out first, then those to train on
    size_t count, held_out_count;
};

// LW_BAD_INPUT as lw_mixture_draw, and when val_size leaves nothing to train on.
bool lw_selection_make(struct lw_selection *selection, const struct lw_selection_params *params,
    struct lw_error *error);
void lw_selection_free(struct lw_selection *selection);

#endif
