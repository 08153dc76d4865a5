// SPDX-License-Identifier: Apache-2.0
// Training checkpoints: a Hugging Face model folder that also holds what exact resumption needs
// (optimizer.safetensors with fp32 masters and moments, lewin_state.json). Written aside, synced,
// renamed. The final model (export.h) is the same folder without the optimizer. Called by the
// training loop.
#ifndef LW_TRAINER_SNAPSHOT_H
#define LW_TRAINER_SNAPSHOT_H

#include "engine/io/checkpoint.h"
#include "engine/model/training.h"
#include "trainer/trainer_state.h"

// How the name of a folder ends that is being written (engine/io/checkpoint.h) or removed.
#define LW_SNAPSHOT_UNFINISHED ".lewin-tmp"

// Where the run stands; everything else follows from the recipe and the data.
struct lw_snapshot_state {
    uint64_t update;           // done
    uint64_t fingerprint;      // of the data and its order (lw_dataset_fingerprint)
    uint64_t recipe;           // hash of what else decides the weights
    uint64_t tokens_per_batch; // packing decides the order of sums, so a resumed run keeps it
    uint64_t tokens;           // trained on so far, padding not counted
    double elapsed_seconds;
    double window_loss;    // sum of the losses since the last line of the log
    uint64_t window_count; // and of how many updates
    double total_loss;     // sum of the losses of all updates
};

// OUTPUT/checkpoint-STEP into `path`, which has `size` bytes.
void lw_snapshot_path(char *path, size_t size, const char *output, uint64_t step);

// Writes a checkpoint folder with weights in the names, order and types of `base`, from whose folder
// the config and tokenizer files are carried over. An existing one of that name is replaced. `state`
// NULL: the model alone, from which no run can be resumed. `report` NULL: no trainer_state.json.
bool lw_snapshot_save(const char *folder, const struct lw_training *training,
    const struct lw_checkpoint *base, const struct lw_snapshot_state *state,
    const struct lw_trainer_state *report, struct lw_error *error);

// Reads lewin_state.json.
bool lw_snapshot_read_state(
    const char *folder, struct lw_snapshot_state *state, struct lw_error *error);

// Reads masters and moments into `training` and makes the working weights from them.
bool lw_snapshot_load(const char *folder, struct lw_training *training, struct lw_error *error);

// The step of the newest checkpoint under `output`; 0: there is none.
bool lw_snapshot_newest(const char *output, uint64_t *step, struct lw_error *error);

// Removes the oldest checkpoints under `output` until `limit` are left.
bool lw_snapshot_prune(const char *output, uint64_t limit, struct lw_error *error);

#endif
