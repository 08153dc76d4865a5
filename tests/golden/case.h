// SPDX-License-Identifier: Apache-2.0
// A model case: a folder with model/, golden.json, golden.safetensors and optional noise.json, as
// PyTorch and transformers computed them, and its token tensors as the decoder's batches.
#ifndef LW_TESTS_GOLDEN_CASE_H
#define LW_TESTS_GOLDEN_CASE_H

#include <cJSON.h>

#include "engine/base/error.h"
#include "engine/io/safetensors.h"
#include "engine/model/batch.h"
#include "engine/model/rotary.h"

struct golden_case {
    char folder[1024], model[1100];
    cJSON *json;  // golden.json
    cJSON *noise; // noise.json, or NULL
    struct lw_safetensors *tensors;
};

bool golden_case_open(struct golden_case *golden, const char *folder, struct lw_error *error);
void golden_case_close(struct golden_case *golden);

// The values of a float tensor as fp32 (F64 narrowed) or of an I32 tensor, with their count; NULL
// and a failure when there is none of that name and `error` is given. Free with lw_free.
float *golden_floats(
    const struct golden_case *golden, const char *name, uint64_t *count, struct lw_error *error);
int32_t *golden_integers(
    const struct golden_case *golden, const char *name, uint64_t *count, struct lw_error *error);

// Members of golden.json: a number, or `fallback`; a text, or "".
double golden_number(const cJSON *object, const char *key, double fallback);
const char *golden_text(const cJSON *object, const char *key);

// max |golden - float64| of a tensor: the reference's own rounding. 0 without noise.json.
double golden_noise(const struct golden_case *golden, const char *name);

// Micro-batch `index` of the tensor PREFIXinput_ids [..., B, T] and, where present, PREFIXlabels,
// PREFIXposition_ids and PREFIXsegment_ids, all rows one after another: column t of row r is
// position t + r * T. One forward call of transformers, so one row of the rotary table. Free with
// golden_batch_free.
bool golden_batch(const struct golden_case *golden, const char *prefix, uint32_t index,
    const struct lw_rotary *rotary, struct lw_batch *batch, struct lw_error *error);
void golden_batch_free(struct lw_batch *batch);

#endif
