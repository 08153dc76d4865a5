// SPDX-License-Identifier: Apache-2.0
// In which order examples are trained on and which are held out, draw for draw as PyTorch's and
// NumPy's generators give it, so that a run here sees the batches that a run of transformers sees.
// Called by dataset.c and selection.c.
#ifndef LW_TRAINER_DATA_ORDER_H
#define LW_TRAINER_DATA_ORDER_H

#include <stddef.h>
#include <stdint.h>

// Fills order[0..count) with torch.randperm(count, generator=g) on the CPU after
// g.manual_seed(seed): a mt19937 seeded with the low 32 bits, one 32-bit draw r per position i, and
// a swap of i with i + r % (count - i) (aten/src/ATen/native/TensorFactories.cpp, randperm_cpu).
// The Trainer's sampler uses seed + epoch. `count` is below 2^32 / 20, where torch changes method.
void lw_order_shuffle(uint64_t seed, uint32_t *order, size_t count);

// Fills order[0..count) with numpy.random.default_rng(seed).permutation(count): PCG64 seeded
// through SeedSequence, then Fisher-Yates from the top, masked rejection on 32-bit halves.
// `count` is below 2^32.
// datasets.train_test_split holds out the first lw_held_out_count of it and trains on the rest.
void lw_order_split(uint64_t seed, uint32_t *order, size_t count);

// How many of `count` examples `val_size` holds out: as it is from 1 up, else the fraction rounded
// up. The result may be `count` or more; that nothing is left is for the caller to refuse.
size_t lw_held_out_count(size_t count, double val_size);

#endif
