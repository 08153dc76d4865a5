// SPDX-License-Identifier: Apache-2.0
// Which rows of several data sets make the one that is trained on, and in which order: the row numbers
// that LLaMA-Factory (data/loader.py, merge_dataset in data/data_utils.py) and Hugging Face datasets
// (interleave_datasets) come to with the same seed. Called by selection.c.
#ifndef LW_TRAINER_DATA_MIXTURE_H
#define LW_TRAINER_DATA_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "trainer/data/numpy_random.h"

// mix_strategy, with what datasets calls it. With one source all are the same.
enum lw_mix_strategy {
    LW_MIX_CONCAT, // one after another
    LW_MIX_UNDER,  // taking turns until the first has no more (first_exhausted)
    LW_MIX_OVER,   // until each was gone through, the short ones repeated (all_exhausted)
    LW_MIX_ONCE    // until all are, each row once (all_exhausted_without_replacement)
};

struct lw_mixture_source {
    const char *name; // for messages
    uint64_t rows;
    uint64_t num_samples; // rows drawn from it: np.random.permutation, what is lacking by
                          // np.random.choice; 0: all in their order
};

struct lw_mixture_params {
    const struct lw_mixture_source *sources; // their rows are numbered through, in this order
    size_t source_count;
    enum lw_mix_strategy strategy;
    const double *probabilities; // [source_count] of whose turn it is, drawn; NULL: one by one
    uint64_t max_samples;        // of each source after num_samples, from the beginning; 0: all
    uint64_t seed;               // of the turns: np.random.default_rng
};

// Zero-initialise before use; lw_mixture_free releases it and makes it empty again.
struct lw_mixture {
    uint32_t *rows; // [count]
    size_t count, capacity;
};

// Whether `count` probabilities fit the strategy and `source_count` sources, all of them from 0 to 1
// and their sum 1 within 1.5e-8, as numpy asks. LW_USAGE if not.
bool lw_mixture_check(enum lw_mix_strategy strategy, const double *probabilities, size_t count,
    size_t source_count, struct lw_error *error);

// Makes the mixture. `samples` is NumPy's global generator, from which num_samples draws, source by
// source; it goes on where the mixture before it stopped (LLaMA-Factory draws those of eval_dataset
// after those of dataset). LW_BAD_INPUT where an empty source should take turns or be drawn from, and
// for a mixture of 2^32 / 20 rows or more.
bool lw_mixture_draw(struct lw_mixture *mixture, const struct lw_mixture_params *params,
    struct lw_mersenne_twister *samples, struct lw_error *error);
void lw_mixture_free(struct lw_mixture *mixture);

#endif
