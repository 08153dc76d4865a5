// SPDX-License-Identifier: Apache-2.0
// The two generators of NumPy. See numpy_random.h.
#include "trainer/data/numpy_random.h"

// The smallest mask of ones that covers `largest`.
static uint32_t mask_over(uint32_t largest)
{
    uint32_t mask = largest;
    for (unsigned shift = 1; shift < 32; shift *= 2) {
        mask |= mask >> shift;
    }
    return mask;
}

// --- mt19937 --------------------------------------------------------------------------------------
// Matsumoto and Nishimura, ACM TOMACS 8 (1998), with the 2002 initialisation.

enum { mt_words = LW_MERSENNE_TWISTER_WORDS, mt_middle = 397 };

void lw_mersenne_twister_seed(struct lw_mersenne_twister *generator, uint32_t seed)
{
    generator->words[0] = seed;
    for (uint32_t i = 1; i < mt_words; i++) {
        uint32_t previous = generator->words[i - 1];
        generator->words[i] = 1812433253u * (previous ^ (previous >> 30)) + i;
    }
    generator->used = mt_words;
}

static void mt_advance(struct lw_mersenne_twister *generator)
{
    uint32_t *words = generator->words;
    for (size_t i = 0; i < mt_words; i++) {
        uint32_t joined = (words[i] & 0x80000000u) | (words[(i + 1) % mt_words] & 0x7fffffffu);
        words[i] =
            words[(i + mt_middle) % mt_words] ^ (joined >> 1) ^ ((joined & 1) ? 0x9908b0dfu : 0);
    }
    generator->used = 0;
}

uint32_t lw_mersenne_twister_draw(struct lw_mersenne_twister *generator)
{
    if (generator->used == mt_words) {
        mt_advance(generator);
    }
    uint32_t word = generator->words[generator->used++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680u;
    word ^= (word << 15) & 0xefc60000u;
    return word ^ (word >> 18);
}

uint32_t lw_mersenne_twister_interval(struct lw_mersenne_twister *generator, uint32_t largest)
{
    uint32_t mask = mask_over(largest), drawn;
    do {
        drawn = largest ? lw_mersenne_twister_draw(generator) & mask : 0;
    } while (drawn > largest);
    return drawn;
}

// --- numpy: SeedSequence and PCG64 ----------------------------------------------------------------
// numpy/random/bit_generator.pyx (SeedSequence, after M. E. O'Neill's seed_seq), _pcg64.pyx,
// pcg64.h (XSL-RR 128/64), _generator.pyx (permutation) and distributions.c.

enum { pool_words = 4 };

// Multiplied and xored along a running constant.
static uint32_t hash_mix(uint32_t value, uint32_t *constant, uint32_t multiplier)
{
    value ^= *constant;
    *constant *= multiplier;
    value *= *constant;
    return value ^ (value >> 16);
}

static uint32_t pool_mix(uint32_t left, uint32_t right)
{
    uint32_t result = 0xca01f9ddu * left - 0x4973f715u * right;
    return result ^ (result >> 16);
}

// SeedSequence(seed).generate_state(4, uint64).
static void seed_sequence(uint64_t seed, uint64_t state[4])
{
    uint32_t pool[pool_words] = {(uint32_t)seed, (uint32_t)(seed >> 32), 0, 0};
    uint32_t constant = 0x43b0d7e5u;
    for (int i = 0; i < pool_words; i++) {
        pool[i] = hash_mix(pool[i], &constant, 0x931e8875u);
    }
    for (int from = 0; from < pool_words; from++) {
        for (int to = 0; to < pool_words; to++) {
            if (from != to) {
                pool[to] = pool_mix(pool[to], hash_mix(pool[from], &constant, 0x931e8875u));
            }
        }
    }
    constant = 0x8b51f9ddu;
    uint32_t words[8];
    for (int i = 0; i < 8; i++) {
        words[i] = hash_mix(pool[i % pool_words], &constant, 0x58f38dedu);
    }
    for (int i = 0; i < 4; i++) {
        state[i] = words[2 * i] | (uint64_t)words[2 * i + 1] << 32;
    }
}

static struct lw_uint128 add128(struct lw_uint128 left, struct lw_uint128 right)
{
    struct lw_uint128 sum = {left.high + right.high, left.low + right.low};
    sum.high += sum.low < left.low;
    return sum;
}

static struct lw_uint128 multiply128(struct lw_uint128 left, struct lw_uint128 right)
{
    uint64_t a = left.low & 0xffffffffu, b = left.low >> 32;
    uint64_t c = right.low & 0xffffffffu, d = right.low >> 32;
    uint64_t middle = b * c + (a * c >> 32);
    uint64_t other = a * d + (middle & 0xffffffffu);
    struct lw_uint128 product = {b * d + (middle >> 32) + (other >> 32), left.low * right.low};
    product.high += left.high * right.low + left.low * right.high;
    return product;
}

static void pcg_step(struct lw_pcg64 *generator)
{
    const struct lw_uint128 multiplier = {2549297995355413924u, 4865540595714422341u};
    generator->state = add128(multiply128(generator->state, multiplier), generator->increment);
}

void lw_pcg64_seed(struct lw_pcg64 *generator, uint64_t seed)
{
    uint64_t words[4];
    seed_sequence(seed, words);
    *generator = (struct lw_pcg64){0};
    generator->increment = (struct lw_uint128){words[2] << 1 | words[3] >> 63, words[3] << 1 | 1};
    pcg_step(generator);
    generator->state = add128(generator->state, (struct lw_uint128){words[0], words[1]});
    pcg_step(generator);
}

// XSL-RR: 64 bits of the state, folded and turned.
static uint64_t pcg_draw(struct lw_pcg64 *generator)
{
    pcg_step(generator);
    uint64_t folded = generator->state.high ^ generator->state.low;
    unsigned turn = (unsigned)(generator->state.high >> 58);
    return folded >> turn | folded << ((64 - turn) & 63);
}

static uint32_t pcg_draw_half(struct lw_pcg64 *generator)
{
    if (generator->has_half) {
        generator->has_half = false;
        return generator->half;
    }
    uint64_t drawn = pcg_draw(generator);
    generator->has_half = true;
    generator->half = (uint32_t)(drawn >> 32);
    return (uint32_t)drawn;
}

uint32_t lw_pcg64_interval(struct lw_pcg64 *generator, uint32_t largest)
{
    uint32_t mask = mask_over(largest), drawn;
    do {
        drawn = largest ? pcg_draw_half(generator) & mask : 0;
    } while (drawn > largest);
    return drawn;
}

double lw_pcg64_double(struct lw_pcg64 *generator)
{
    return (double)(pcg_draw(generator) >> 11) * 0x1p-53;
}
