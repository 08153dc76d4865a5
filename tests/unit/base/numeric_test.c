// SPDX-License-Identifier: Apache-2.0
// engine/base/numeric: every half value, every rounding border between two of them, and a sweep over
// the floats, against the definition of rounding worked out in double.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "engine/base/numeric.h"

// The value of a format with `mantissa` explicit bits and an exponent of 15 - mantissa bits, from
// the definition in IEEE 754.
static double value_of(uint16_t half, int mantissa)
{
    int exponent_bits = 15 - mantissa;
    int bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = half >> mantissa & ((1 << exponent_bits) - 1);
    double fraction = half & ((1 << mantissa) - 1);
    double sign = half & 0x8000 ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1) {
        return fraction != 0 ? NAN : sign * INFINITY;
    }
    if (exponent == 0) {
        return sign * ldexp(fraction, 1 - bias - mantissa);
    }
    return sign * ldexp(fraction + (1 << mantissa), exponent - bias - mantissa);
}

static uint16_t rounded(float value, int mantissa)
{
    return mantissa == 10 ? lw_float_to_f16(value) : lw_float_to_bf16(value);
}

static float widened(uint16_t half, int mantissa)
{
    return mantissa == 10 ? lw_f16_to_float(half) : lw_bf16_to_float(half);
}

static void check_widening(int mantissa)
{
    for (uint32_t half = 0; half < 0x10000; half++) {
        double expected = value_of((uint16_t)half, mantissa);
        float found = widened((uint16_t)half, mantissa);
        if (isnan(expected)) {
            assert_true(isnan(found));
            assert_true(isnan(value_of(rounded(found, mantissa), mantissa)));
        } else {
            assert_true(expected == found);
            assert_int_equal(signbit(expected) != 0, signbit(found) != 0);
            assert_int_equal(rounded(found, mantissa), half);
        }
    }
}

// Between two neighbours everything goes to the nearer one, the middle to the even one.
static void check_borders(int mantissa)
{
    uint16_t largest = (uint16_t)((((1 << (15 - mantissa)) - 1) << mantissa) - 1);
    for (uint16_t low = 0; low <= largest; low++) {
        double below = value_of(low, mantissa);
        double step = low == largest ? below - value_of((uint16_t)(low - 1), mantissa)
                                     : value_of((uint16_t)(low + 1), mantissa) - below;
        float middle = (float)(below + step / 2); // exact: one bit more than the format has
        if (isinf(middle)) {
            continue; // bfloat16's last step: the middle is no float
        }
        uint16_t even = (uint16_t)(low & 1 ? low + 1 : low);
        for (int sign = 0; sign < 2; sign++) {
            float factor = sign ? -1.0f : 1.0f;
            uint16_t bit = sign ? 0x8000 : 0;
            assert_int_equal(rounded(factor * middle, mantissa), even | bit);
            assert_int_equal(rounded(factor * nextafterf(middle, 0), mantissa), low | bit);
            assert_int_equal(
                rounded(factor * nextafterf(middle, INFINITY), mantissa), (low + 1) | bit);
        }
    }
    assert_int_equal(rounded(INFINITY, mantissa), largest + 1);
    assert_int_equal(rounded(-INFINITY, mantissa), (largest + 1) | 0x8000);
    assert_int_equal(rounded(3.4028234e38f, mantissa), largest + 1);
}

// No float ends farther away than half a step, and order is kept.
static void check_sweep(int mantissa)
{
    double before = -1;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 1999) {
        float value = lw_float_of_bits(bits);
        uint16_t half = rounded(value, mantissa);
        double found = value_of(half, mantissa);
        assert_true(found >= before);
        before = found;
        if (half && isfinite(found)) {
            double down = fabs(value_of((uint16_t)(half - 1), mantissa) - value);
            double up = value_of((uint16_t)(half + 1), mantissa) - value;
            assert_true(fabs(found - value) <= down && fabs(found - value) <= fabs(up));
        }
    }
    for (uint32_t bits = 0x7f800001u; bits < 0x80000000u; bits += 4099) { // NaNs, quiet or not
        uint16_t half = rounded(lw_float_of_bits(bits), mantissa);
        assert_true(isnan(value_of(half, mantissa)) && !(half & 0x8000));
        half = rounded(lw_float_of_bits(bits | 0x80000000u), mantissa);
        assert_true(isnan(value_of(half, mantissa)) && (half & 0x8000));
    }
}

static void half_precision(void **state)
{
    (void)state;
    check_widening(10);
    check_borders(10);
    check_sweep(10);
}

static void bfloat16(void **state)
{
    (void)state;
    check_widening(7);
    check_borders(7);
    check_sweep(7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_precision),
        cmocka_unit_test(bfloat16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
