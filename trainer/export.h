// SPDX-License-Identifier: Apache-2.0
// The end of a run: the trained model goes into the output folder. Called by loop.c; output.c knows
// what it leaves when it is cut short.
#ifndef LW_TRAINER_EXPORT_H
#define LW_TRAINER_EXPORT_H

#include "engine/base/error.h"

struct lw_checkpoint;
struct lw_training;

// Where the model lies, in the output folder, until all its files have been moved out.
#define LW_EXPORT_FOLDER "model-being-moved"

// Writes the model into `output`, which exists and may hold other files: whole in a folder of its
// own first, then moved, config.json last. Weights of an earlier model there are removed.
bool lw_export(const char *output, const struct lw_training *training,
    const struct lw_checkpoint *base, struct lw_error *error);

#endif
