// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10. See random.h.
#include "engine/base/random.h"

#include <math.h>

void lw_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t bits[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53u * c0;
        uint64_t product1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += 0x9E3779B9u; // the key schedule: Weyl sequences of the golden ratio and sqrt(3) - 1
        k1 += 0xBB67AE85u;
    }
    bits[0] = c0;
    bits[1] = c1;
    bits[2] = c2;
    bits[3] = c3;
}

static void draw(uint64_t seed, uint64_t stream, uint64_t index, uint32_t bits[4])
{
    uint32_t counter[4] = {
        (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    lw_philox4x32(counter, key, bits);
}

uint64_t lw_random_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t bits[4];
    draw(seed, stream, index, bits);
    return (uint64_t)bits[1] << 32 | bits[0];
}

float lw_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t bits[4];
    draw(seed, stream, index, bits);
    return (float)(bits[0] >> 8) * 0x1p-24f;
}

double lw_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t bits[4];
    draw(seed, stream, index, bits);
    uint64_t wide = ((uint64_t)bits[1] << 32 | bits[0]) >> 11;
    double radius = sqrt(-2.0 * log(((double)wide + 1.0) * 0x1p-53)); // of (0, 1]: finite
    double angle = 6.283185307179586476925 * ((double)bits[2] * 0x1p-32);
    return radius * cos(angle);
}

uint64_t lw_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    return lw_random_bits(seed, stream, index) % bound;
}
