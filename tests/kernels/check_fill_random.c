// SPDX-License-Identifier: Apache-2.0
// Random numbers made on the device: each one, and that they are spread as they should be.
#include <math.h>

#include "engine/ops/fill_random.h"
#include "tests/kernels/check.h"

static uint32_t hash(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// Uniform in (-1, 1).
static double reference(uint32_t seed, uint64_t index)
{
    uint32_t bits = hash((uint32_t)index ^ hash((uint32_t)(index >> 32) ^ hash(seed)));
    return ((double)(bits >> 9) + 0.5) / 0x1p22 - 1;
}

// The mean and the deviation of `count` values are off by less than five deviations of theirs.
static void check_moments(
    struct check *check, const double *values, uint32_t count, double deviation)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    double mean = sum / count, found = sqrt(squares / count), limit = 5 * deviation / sqrt(count);
    if (fabs(mean) > limit || fabs(found - deviation) > limit) {
        check_fail(check, "mean %g and deviation %g instead of 0 and %g", mean, found, deviation);
    }
}

static void fill_random_case(
    struct check *check, enum lw_type type, uint32_t count, uint32_t offset)
{
    uint32_t seed = check_random(check, UINT32_MAX);
    if (!check_begin(check, "fill_random", "%s, %u elements, %u from alignment, seed %u",
            check_type_name(type), count, offset, seed)) {
        return;
    }
    struct check_tensor *y = check_tensor(check, &(struct check_tensor_params){.type = type,
                                                     .rows = 1,
                                                     .columns = count,
                                                     .offset = offset,
                                                     .fill = CHECK_POISON,
                                                     .written = true});
    const struct lw_fill_random fill = {
        .y = y->buffer, .type = type, .count = count, .seed = seed, .deviation = 0.02f};
    lw_fill_random(check_stream(check), &fill);
    check_work(check, 0, (double)count * (double)lw_type_size(type));
    if (check_run(check)) {
        double *expected = check_doubles(check, count);
        for (uint32_t i = 0; i < count; i++) {
            expected[i] = reference(seed, i) * 0.02 * sqrt(3);
        }
        check_compare(check, "y", y, expected, 1e-6);
        check_moments(check, y->values, count, 0.02);
    }
    check_end(check);
}

void check_fill_random(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) {
            fill_random_case(check, type, 1u << 24, 0);
            continue;
        }
        for (unsigned i = 0; i < check_cases(check); i++) {
            fill_random_case(check, type, check_size(check, 100000), check_random(check, 4));
        }
    }
}
