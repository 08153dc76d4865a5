// SPDX-License-Identifier: Apache-2.0
// NumPy's generators, draw for draw: the Mersenne twister of np.random.seed, which torch's generator
// on the CPU is too, and the PCG64 of np.random.default_rng. Plain data, copied freely. Called by
// order.c and mixture.c.
#ifndef LW_TRAINER_DATA_NUMPY_RANDOM_H
#define LW_TRAINER_DATA_NUMPY_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LW_MERSENNE_TWISTER_WORDS = 624 };

struct lw_mersenne_twister {
    uint32_t words[LW_MERSENNE_TWISTER_WORDS];
    size_t used;
};

void lw_mersenne_twister_seed(struct lw_mersenne_twister *generator, uint32_t seed);
uint32_t lw_mersenne_twister_draw(struct lw_mersenne_twister *generator); // 32 bits

// Uniform in 0..largest, by rejection under a mask of ones (numpy's random_interval); 0 draws nothing.
uint32_t lw_mersenne_twister_interval(struct lw_mersenne_twister *generator, uint32_t largest);

struct lw_uint128 { // C17 has no 128-bit integers
    uint64_t high, low;
};

struct lw_pcg64 {
    struct lw_uint128 state, increment;
    bool has_half; // numpy hands out 64-bit draws as two 32-bit ones, low half first
    uint32_t half;
};

void lw_pcg64_seed(struct lw_pcg64 *generator, uint64_t seed);

// As above, on 32-bit halves.
uint32_t lw_pcg64_interval(struct lw_pcg64 *generator, uint32_t largest);

// Uniform in [0, 1), 53 bits of a whole draw; halves that are left stay for lw_pcg64_interval.
double lw_pcg64_double(struct lw_pcg64 *generator);

#endif
