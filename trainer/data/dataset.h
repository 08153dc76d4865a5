// SPDX-License-Identifier: Apache-2.0
// The training set: the examples of its sources, which lie in token caches on disk, split into what
// is trained on and what is held out, and handed out step by step in the order of the run. In memory
// are four to eight bytes for each example, whatever its length, and what the system maps of the
// caches, of which no more than a few hundred megabytes at a time. Called by the training loop.
#ifndef LW_TRAINER_DATA_DATASET_H
#define LW_TRAINER_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/text/template.h"
#include "trainer/data/examples.h"
#include "trainer/data/mixture.h"
#include "trainer/data/source.h"
#include "trainer/data/token_cache.h"

struct lw_token_store;
struct lw_tokenizer;

// What to do when a record cannot be used.
enum lw_bad_record_policy {
    LW_BAD_RECORD_STOP, // fail with LW_BAD_INPUT, naming the first
    LW_BAD_RECORD_SKIP  // leave it out and count it
};

struct lw_bad_record {
    const char *file;
    uint64_t line;      // from 1
    const char *reason; // while the dataset is there
};

// Zero means the default of each.
struct lw_dataset_params {
    const struct lw_source *sources; // to train on; all must outlive the dataset
    size_t source_count;
    const struct lw_source *held_out_sources; // instead of val_size
    size_t held_out_source_count;
    enum lw_mix_strategy mix_strategy;
    const double *probabilities;        // see mixture.h
    const struct lw_token_store *store; // of its caches
    const struct lw_tokenizer *tokenizer;
    const char *model_folder; // the tokenizer's
    const struct lw_template *chat_template;
    struct lw_template_options options;
    struct lw_mask_options mask;
    bool drop_long; // leave out what is longer than cutoff_len instead of cutting it
    enum lw_bad_record_policy on_bad_record;
    uint64_t max_samples; // of each source, from its beginning; 0: all
    double val_size;      // held out: a share below 1, a number from 1 up, 0: none
    uint64_t split_seed;  // of the mixture and the held-out part (LLaMA-Factory: seed)
    uint64_t order_seed;  // of the order (data_seed, else seed)
    bool keep_order;      // no shuffling
    // neat_packing: examples are put together to packs of up to `pack_tokens` tokens (0: none), which
    // then count where examples do: in steps, the order and the held-out part. Packed together are
    // `pack_batch` rows, in `pack_workers` shards (knapsack.h).
    uint32_t pack_tokens;
    size_t pack_batch, pack_workers;
    unsigned threads; // 0: as many as there are cores
    // Called for each bad record that is left out, in the order of the files. May be NULL.
    void (*bad_record)(void *context, const struct lw_bad_record *record);
    void *context;
};

struct lw_dataset_counts {
    uint64_t records; // read, good or bad
    uint64_t bad;     // of them, unusable
    // Of the rows that the run uses, held out or not, each as often as it was drawn:
    uint64_t dropped;   // left out as too long
    uint64_t truncated; // examples of which something was cut off
    uint64_t stop_cut;  // examples with a response that lost its stop token
    uint64_t untrained; // examples without a label: they take their place in a batch all the same
    uint64_t tokens, labels;
    uint64_t longest; // tokens of the longest example
};

struct lw_dataset;

// Finds or makes the caches of all sources. LW_BAD_INPUT for a file that cannot be read to its end, a
// bad record under the policy to stop, and when nothing or no label is left to train on. Else what
// lw_token_store_get says.
bool lw_dataset_load(
    struct lw_dataset **dataset, const struct lw_dataset_params *params, struct lw_error *error);
void lw_dataset_destroy(struct lw_dataset **dataset);

const struct lw_dataset_counts *lw_dataset_counts(const struct lw_dataset *dataset);

// What source `index` has part in the run: those to train on come first, then those held out. False
// after the last.
struct lw_dataset_share {
    const char *name;
    uint64_t rows;     // that it has
    uint64_t examples; // of the run, held out or not, each as often as it was drawn
};
bool lw_dataset_share(
    const struct lw_dataset *dataset, size_t index, struct lw_dataset_share *share);

// The next record that was left out as bad, after `position`, which begins at zero. False after the
// last.
struct lw_bad_position {
    size_t source;
    struct lw_token_position place;
};
bool lw_dataset_next_bad(const struct lw_dataset *dataset, struct lw_bad_position *position,
    struct lw_bad_record *record);

// A hash of all tokens and labels in order, the split and the seeds: a run can only be resumed on
// the data it was begun with.
uint64_t lw_dataset_fingerprint(const struct lw_dataset *dataset);

// How many examples there are, or packs.
size_t lw_dataset_train_count(const struct lw_dataset *dataset);
size_t lw_dataset_held_out_count(const struct lw_dataset *dataset);

// The most examples that are in `count` packs; `count` where there are none.
size_t lw_dataset_most_examples(const struct lw_dataset *dataset, size_t count);

// The examples of one optimizer step: those of `global_batch` examples or packs, of fewer in the last
// step of an epoch, at `views`, valid as long as the dataset is. Returns how many. Epochs and steps
// count from 0. Not for several threads at once: the dataset keeps the order of the last epoch asked
// for.
size_t lw_dataset_step(struct lw_dataset *dataset, uint64_t epoch, uint64_t step,
    size_t global_batch, struct lw_example_view *views);

// A held-out example, or those of a pack, at `views`. Returns how many.
size_t lw_dataset_held_out(struct lw_dataset *dataset, size_t index, struct lw_example_view *views);

#endif
