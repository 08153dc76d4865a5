// SPDX-License-Identifier: Apache-2.0
// A micro-batch of random tokens, every position with a target: what a benchmark trains on.
#ifndef LW_BENCH_RANDOM_BATCH_H
#define LW_BENCH_RANDOM_BATCH_H

#include "engine/model/batch.h"
#include "engine/model/config.h"

// Sequences of `sequence` tokens side by side, the last of what is left of `tokens`. The ids are a
// function of `seed`. Free with lw_random_batch_free, after a failure as well.
bool lw_random_batch(struct lw_batch *batch, const struct lw_config *config, uint32_t tokens,
    uint32_t sequence, uint64_t seed, struct lw_error *error);
void lw_random_batch_free(struct lw_batch *batch);

#endif
