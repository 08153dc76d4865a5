// SPDX-License-Identifier: Apache-2.0
// PyTorch's and NumPy's permutations. See order.h.
#include "trainer/data/order.h"

#include <math.h>

#include "trainer/data/numpy_random.h"

static void fill_identity(uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
}

static void swap(uint32_t *order, size_t left, size_t right)
{
    uint32_t kept = order[left];
    order[left] = order[right];
    order[right] = kept;
}

void lw_order_shuffle(uint64_t seed, uint32_t *order, size_t count)
{
    struct lw_mersenne_twister generator;
    lw_mersenne_twister_seed(&generator, (uint32_t)seed);
    fill_identity(order, count);
    for (size_t i = 0; i + 1 < count; i++) {
        swap(order, i, i + lw_mersenne_twister_draw(&generator) % (count - i));
    }
}

void lw_order_split(uint64_t seed, uint32_t *order, size_t count)
{
    struct lw_pcg64 generator;
    lw_pcg64_seed(&generator, seed);
    fill_identity(order, count);
    for (size_t i = count; i-- > 1;) {
        swap(order, i, lw_pcg64_interval(&generator, (uint32_t)i));
    }
}

size_t lw_held_out_count(size_t count, double val_size)
{
    return (size_t)(val_size >= 1 ? val_size : ceil(val_size * (double)count));
}
