// SPDX-License-Identifier: Apache-2.0
// Random numbers as a pure function of (seed, stream, index): any one can be computed alone, in any
// order, on any thread, and a resumed run draws the same. Philox4x32-10 of Salmon, Moraes, Dror and
// Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11). A stream is a use (one per purpose), an
// index a position in it.
#ifndef LW_BASE_RANDOM_H
#define LW_BASE_RANDOM_H

#include <stdint.h>

// The bare generator: ten rounds on a counter under a key.
void lw_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t bits[4]);

// 64 random bits: the first two words of Philox with the key `seed` and the counter (index, stream),
// low words first.
uint64_t lw_random_bits(uint64_t seed, uint64_t stream, uint64_t index);

// One of the 2^24 equally spaced values of [0, 1).
float lw_random_uniform(uint64_t seed, uint64_t stream, uint64_t index);

// Standard normal, by Box and Muller's formula from two uniform values of 53 and 32 bits.
double lw_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

// An integer of [0, bound), bound > 0; the probabilities differ by less than bound / 2^64.
uint64_t lw_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound);

#endif
