// SPDX-License-Identifier: Apache-2.0
// Random numbers and element types of the kernel checks. See check.h.
#include <math.h>
#include <string.h>

#include "tests/kernels/check_private.h"

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t next(struct check *check)
{
    uint64_t *state = check->in_case ? &check->data_state : &check->shape_state;
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t check_random(struct check *check, uint32_t limit)
{
    return (uint32_t)((next(check) >> 32) * limit >> 32);
}

double check_uniform(struct check *check)
{
    return (double)(next(check) >> 11) * 0x1p-53;
}

double check_normal(struct check *check)
{
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2 * log(1 - check_uniform(check)));
    return radius * cos(two_pi * check_uniform(check));
}

uint32_t check_size(struct check *check, uint32_t limit)
{
    uint32_t size = 1;
    switch (check_random(check, 8)) {
    case 0:
        return 1;
    case 1:
    case 2:
    case 3:
        while (size < limit && check_random(check, 8)) {
            size *= 2;
        }
        size = size + check_random(check, 3) - 1;
        break;
    default:
        size = 1 + check_random(check, limit);
    }
    return size < 1 ? 1 : size > limit ? limit : size;
}

const char *check_type_name(enum lw_type type)
{
    static const char *const names[LW_TYPE_COUNT] = {"f32", "bf16", "f16"};
    return names[type];
}

double check_round(enum lw_type type, double value)
{
    if (type == LW_F32) {
        return (float)value;
    }
    if (!isfinite(value) || value == 0) {
        return value;
    }
    // Significand bits and the smallest exponent of a normal number, as frexp counts it.
    int bits = type == LW_BF16 ? 8 : 11, smallest = type == LW_BF16 ? -125 : -13, exponent;
    double largest = type == LW_BF16 ? 0x1.fep127 : 65504;
    frexp(value, &exponent);
    double unit = ldexp(1, (exponent < smallest ? smallest : exponent) - bits);
    double rounded = nearbyint(value / unit) * unit;
    return fabs(rounded) > largest ? copysign(INFINITY, value) : rounded;
}
